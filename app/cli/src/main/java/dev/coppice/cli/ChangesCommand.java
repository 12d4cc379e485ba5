package dev.coppice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code coppice changes}: what changed across all kinds. */
@Command(name = "changes", description = "Show what changed across all kinds; the newest first.")
final class ChangesCommand implements Callable<Integer> {
    private static final int PAGE = 500;

    @Mixin
    private final ApiAccess access = new ApiAccess();

    @Option(
            names = "--since",
            paramLabel = "TIME",
            description = "How long ago (15m, 2h, 3d) or from when (default: ${DEFAULT-VALUE}).")
    private String since = "15m";

    @Option(names = "--until", paramLabel = "TIME", description = "Only what was before.")
    private String until = "";

    @Option(names = "--kind", paramLabel = "TYPE", description = "Only this type, as kubectl takes it.")
    private String kind = "";

    @Option(names = "--user", paramLabel = "USER", description = "Only what this user changed.")
    private String user = "";

    @Option(
            names = {"-n", "--namespace"},
            paramLabel = "NS",
            description = "Only this namespace (default: all).")
    private String namespace = "";

    @Option(names = "--no-status", description = "Leave out changes of nothing but the status.")
    private boolean noStatus;

    @Option(names = "--limit", paramLabel = "N", description = "At most so many (default: ${DEFAULT-VALUE}).")
    private int limit = 200;

    @Override
    public Integer call() throws Exception {
        if (limit < 1 || limit > 100_000) {
            throw new IllegalArgumentException("--limit " + limit + ": expected a number from 1 to 100000");
        }
        Map<String, String> query = new LinkedHashMap<>();
        query.put("since", since);
        query.put("until", until);
        query.put("resource", kind);
        query.put("user", user);
        query.put("namespace", namespace);
        query.put("status", noStatus ? "false" : "");
        try (ApiConnection api = access.open()) {
            ObjectNode all = ApiAccess.JSON.createObjectNode();
            ArrayNode items = all.putArray("items");
            String next = "";
            do {
                query.put("limit", Integer.toString(Math.min(PAGE, limit - items.size())));
                query.put("continue", next);
                JsonNode list = ApiAccess.history(api, "changes", query);
                list.path("items").forEach(items::add);
                all.set("metadata", list.path("metadata"));
                next = list.path("metadata").path("continue").asText("");
            } while (!next.isEmpty() && items.size() < limit);
            if (!access.table()) {
                System.out.println(access.shown(all));
            } else if (items.isEmpty()) {
                System.out.println("No change; the journal has all since "
                        + all.path("metadata").path("completeSince").asText());
            } else {
                ChangeLines.table(items, true).forEach(System.out::println);
                if (!next.isEmpty()) {
                    System.out.println("(there are more; see --limit)");
                }
            }
            return 0;
        }
    }
}
