package dev.coppice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code coppice why}: the chain of causes of an object's state, back to a person or an event. */
@Command(name = "why", description = "Show why an object is as it is, back to a person or an event.")
final class WhyCommand implements Callable<Integer> {
    @Mixin
    private final ApiAccess access = new ApiAccess();

    @Mixin
    private final ObjectArgument object = new ObjectArgument();

    @Option(names = "--revision", paramLabel = "N", description = "Of this change (default: the newest).")
    private String revision = "";

    @Override
    public Integer call() throws Exception {
        try (ApiConnection api = access.open()) {
            Map<String, String> query = object.query();
            query.put("resourceVersion", revision);
            JsonNode answer = ApiAccess.history(api, "causes", query);
            if (access.table()) {
                print(answer.path("change"), "");
            } else {
                System.out.println(access.shown(answer));
            }
            return 0;
        }
    }

    private static void print(JsonNode change, String indent) {
        System.out.println(indent + ChangeLines.object(change) + " " + ChangeLines.text(change, "operation")
                + " at revision " + ChangeLines.text(change, "resourceVersion") + ", " + ChangeLines.when(change));
        ChangeLines.difference(change.path("diff"), indent + "    ").stream()
                .limit(8)
                .forEach(System.out::println);
        String next = indent + "  ";
        if (change.path("because").isEmpty()) {
            System.out.println(next + (change.has("requestID") ? "asked for by " : "done by ")
                    + ChangeLines.text(change, "user") + " (" + ChangeLines.text(change, "userAgent") + ")"
                    + (change.has("requestID") ? ", request " + ChangeLines.text(change, "requestID") : ""));
            return;
        }
        System.out.println(next + "done by " + ChangeLines.text(change, "user") + ", because of");
        for (JsonNode trigger : change.path("because")) {
            if (trigger.has("change")) {
                print(trigger.path("change"), next + "  ");
            } else {
                System.out.println(next + "  " + ChangeLines.trigger(trigger)
                        + (trigger.has("unknown") ? " (" + ChangeLines.text(trigger, "unknown") + ")" : ""));
            }
        }
    }
}
