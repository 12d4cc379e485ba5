package dev.coppice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code coppice get}: objects as they were. */
@Command(name = "get", description = "Show objects as they were; kubectl shows them as they are.")
final class GetCommand implements Callable<Integer> {
    @Mixin
    private final ApiAccess access = new ApiAccess();

    @Option(
            names = {"-n", "--namespace"},
            paramLabel = "NS",
            description = "The namespace (default: default; for a list all).")
    private String namespace = "";

    @Option(
            names = "--at",
            paramLabel = "WHEN",
            description = "How long ago (10m), a time (2026-01-31T12:00:00Z) or a revision (default: now).")
    private String at = "0s";

    @Parameters(arity = "1..2", paramLabel = "TYPE[/NAME]", description = "Which; types as kubectl takes them.")
    private List<String> object = List.of();

    @Override
    public Integer call() throws Exception {
        try (ApiConnection api = access.open()) {
            boolean list = object.size() == 1 && !object.getFirst().contains("/");
            Map<String, String> query = new LinkedHashMap<>();
            if (list) {
                query.put("resource", object.getFirst());
            } else {
                query.putAll(ApiAccess.about(ApiAccess.Subject.of(object), ""));
            }
            query.put("namespace", namespace);
            query.put("at", at);
            JsonNode answer = ApiAccess.history(api, "objects", query);
            if (!access.table()) {
                System.out.println(access.shown(answer));
            } else if (list) {
                print(answer.path("items"));
            } else {
                System.out.println(ApiAccess.yaml(answer));
            }
            return 0;
        }
    }

    private static void print(JsonNode items) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of("NAMESPACE", "NAME", "REVISION", "CREATED"));
        for (JsonNode each : items) {
            JsonNode metadata = each.path("metadata");
            rows.add(List.of(
                    ChangeLines.text(metadata, "namespace"),
                    ChangeLines.text(metadata, "name"),
                    ChangeLines.text(metadata, "resourceVersion"),
                    ChangeLines.text(metadata, "creationTimestamp")));
        }
        ChangeLines.aligned(rows).forEach(System.out::println);
    }
}
