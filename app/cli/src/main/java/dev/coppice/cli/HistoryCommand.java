package dev.coppice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code coppice history}: who changed an object, when, and because of what. */
@Command(name = "history", description = "Show who changed an object, when, and because of what; the newest first.")
final class HistoryCommand implements Callable<Integer> {
    @Mixin
    private final ApiAccess access = new ApiAccess();

    @Mixin
    private final ObjectArgument object = new ObjectArgument();

    @Option(names = "--diff", description = "Show what changed, with the values before and after.")
    private boolean diff;

    @Option(names = "--no-status", description = "Leave out changes of nothing but the status.")
    private boolean noStatus;

    @Option(names = "--limit", paramLabel = "N", description = "At most so many (default: ${DEFAULT-VALUE}).")
    private int limit = 50;

    @Override
    public Integer call() throws Exception {
        ApiAccess.Subject subject = object.subject();
        try (ApiConnection api = access.open()) {
            Map<String, String> query = object.query();
            query.put("limit", Integer.toString(limit));
            query.put("status", noStatus ? "false" : "");
            JsonNode list = ApiAccess.history(api, "changes", query);
            if (!access.table()) {
                System.out.println(access.shown(list));
                return 0;
            }
            JsonNode items = list.path("items");
            if (items.isEmpty()) {
                System.out.println("No change of " + subject.resource() + "/" + subject.name() + " since "
                        + list.path("metadata").path("completeSince").asText());
                return 0;
            }
            if (!diff) {
                ChangeLines.table(items, false).forEach(System.out::println);
                return 0;
            }
            for (JsonNode change : items) {
                System.out.println(ChangeLines.text(change, "resourceVersion") + "  " + ChangeLines.when(change) + "  "
                        + ChangeLines.text(change, "user") + "  " + ChangeLines.verb(change) + "  "
                        + ChangeLines.cause(change));
                ChangeLines.difference(change.path("diff"), "    ").forEach(System.out::println);
                if (change.has("incomplete")) {
                    System.out.println("    " + ChangeLines.text(change, "incomplete"));
                }
            }
            return 0;
        }
    }
}
