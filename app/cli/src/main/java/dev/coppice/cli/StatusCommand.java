package dev.coppice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code coppice status}: whether the node answers, and how its health checks are. Exit status 1 when it does not. */
@Command(name = "status", description = "Print the health of the running node.")
final class StatusCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Mixin
    private final DataOption data = new DataOption();

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        ObjectNode node = data.node();
        ObjectNode report = JSON.createObjectNode();
        report.set("api", node.path("api"));
        report.set("version", node.path("version"));
        ObjectNode states = report.putObject("healthChecks");
        boolean answers;
        try (ApiConnection api = ApiConnection.open(node)) {
            answers = api.get("/readyz?verbose=true").status() == 200;
            if (answers) {
                count(api, states);
            }
        } catch (IOException e) {
            answers = false;
            report.put("error", e.getMessage());
        }
        report.put("ready", answers);
        print(report);
        return answers ? 0 : 1;
    }

    private static void count(ApiConnection api, ObjectNode states) throws IOException, InterruptedException {
        ApiConnection.Answer answer = api.get("/apis/health.coppice.dev/v1/healthchecks?limit=10000");
        if (answer.status() != 200) {
            return;
        }
        for (JsonNode check : JSON.readTree(answer.body()).path("items")) {
            String state = check.path("status").path("state").asText("Unknown");
            states.put(state, states.path(state).asInt() + 1);
        }
    }

    private void print(ObjectNode report) {
        if (json) {
            System.out.println(report);
            return;
        }
        System.out.println((report.path("ready").asBoolean() ? "ready     " : "not ready ")
                + report.path("api").asText() + " (" + report.path("version").asText() + ")");
        report.path("healthChecks")
                .properties()
                .forEach(state -> System.out.println("  " + state.getKey() + ": " + state.getValue()));
        if (report.has("error")) {
            System.out.println("  " + report.path("error").asText());
        }
    }
}
