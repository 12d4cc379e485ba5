package dev.coppice.control.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.coppice.control.request.Json;
import dev.coppice.serving.Identity;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * Who calls a verb, the warnings that are told back, and what admission notes for the audit log.
 *
 * @param agent the client's name for itself, from which a default field manager is taken
 * @param requestId of the request; empty for a part of this process
 * @param asked who had a say in the request and let it pass, in words; null where nobody wants to know
 */
public record Caller(
        Identity identity,
        String agent,
        List<String> warnings,
        Map<String, String> annotations,
        String requestId,
        @Nullable List<String> asked) {
    private static final int MAX_WARNINGS = 50;
    private static final int MAX_ASKED = 200;
    private static final int MAX_ANNOTATIONS = 100;
    private static final int LONGEST_ANNOTATION = 10 << 10;

    public static Caller of(Identity identity, String agent) {
        return new Caller(identity, agent, new CopyOnWriteArrayList<>(), new ConcurrentHashMap<>(), "", null);
    }

    /** One of a request; what admission notes goes to {@code annotations}, if they are not null. */
    public static Caller of(Identity identity, String agent, @Nullable Map<String, String> annotations) {
        return new Caller(
                identity,
                agent,
                new CopyOnWriteArrayList<>(),
                annotations == null ? new ConcurrentHashMap<>() : annotations,
                "",
                null);
    }

    /** A part of this process, allowed everything. */
    public static Caller internal(String name) {
        return of(
                new Identity("system:coppice:" + name, "", List.of("system:masters", "system:authenticated"), Map.of()),
                "coppice-" + name);
    }

    /** The same for a request. */
    public Caller asking(String requestId) {
        return new Caller(identity, agent, warnings, annotations, requestId, asked);
    }

    /** The same with a list of those that had a say. */
    public Caller noting() {
        return new Caller(identity, agent, warnings, annotations, requestId, new CopyOnWriteArrayList<>());
    }

    /** Somebody had a say, and let it pass or changed it. */
    public void asked(String who) {
        if (asked != null && asked.size() < MAX_ASKED && !asked.contains(who)) {
            asked.add(who);
        }
    }

    public void warn(String text) {
        if (warnings.size() < MAX_WARNINGS && !warnings.contains(text)) {
            warnings.add(text);
        }
    }

    /** Notes something for the audit log; the first value of a key stays. */
    public void annotate(String key, String value) {
        if (annotations.size() < MAX_ANNOTATIONS) {
            annotations.putIfAbsent(
                    key, value.length() > LONGEST_ANNOTATION ? value.substring(0, LONGEST_ANNOTATION) : value);
        }
    }

    /** Adds to a list that is noted for the audit log, as JSON; one that would become too long stays as it is. */
    public void annotateListed(String key, JsonNode entry) {
        annotations.compute(key, (_, before) -> {
            ArrayNode list = before == null ? Json.array() : (ArrayNode) Json.tree(before);
            String text = Json.text(list.add(entry));
            return before != null && text.length() > LONGEST_ANNOTATION ? before : text;
        });
    }

    /** The field manager of a request that names none. */
    public String manager() {
        int slash = agent.indexOf('/');
        String name = slash < 0 ? agent : agent.substring(0, slash);
        return name.isEmpty() ? "unknown" : name.length() > 128 ? name.substring(0, 128) : name;
    }
}
