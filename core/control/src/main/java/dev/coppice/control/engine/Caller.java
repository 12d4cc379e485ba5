package dev.coppice.control.engine;

import dev.coppice.serving.Identity;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Who calls a verb, and the warnings that are told back.
 *
 * @param agent the client's name for itself, from which a default field manager is taken
 */
public record Caller(Identity identity, String agent, List<String> warnings) {
    private static final int MAX_WARNINGS = 50;

    public static Caller of(Identity identity, String agent) {
        return new Caller(identity, agent, new CopyOnWriteArrayList<>());
    }

    /** A part of this process, allowed everything. */
    public static Caller internal(String name) {
        return of(
                new Identity(
                        "system:coppice:" + name,
                        "",
                        List.of("system:masters", "system:authenticated"),
                        java.util.Map.of()),
                "coppice-" + name);
    }

    public void warn(String text) {
        if (warnings.size() < MAX_WARNINGS && !warnings.contains(text)) {
            warnings.add(text);
        }
    }

    /** The field manager of a request that names none. */
    public String manager() {
        int slash = agent.indexOf('/');
        String name = slash < 0 ? agent : agent.substring(0, slash);
        return name.isEmpty() ? "unknown" : name.length() > 128 ? name.substring(0, 128) : name;
    }
}
