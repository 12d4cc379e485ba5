package dev.coppice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.coppice.server.ClusterKeys;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code coppice cluster}: how the cluster of a running node is, and who may join it. */
@Command(
        name = "cluster",
        description = "Show the cluster of the running node; let nodes join it.",
        subcommands = {ClusterCommand.Status.class, ClusterCommand.Token.class, ClusterCommand.Keys.class},
        synopsisSubcommandLabel = "COMMAND")
final class ClusterCommand {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static JsonNode read(ApiConnection.Answer answer) throws IOException {
        if (answer.status() == 404) {
            throw new IOException("the node is no cluster: start it with --cluster NAME=HOST:PORT of its own");
        }
        JsonNode body = JSON.readTree(answer.body());
        if (answer.status() != 200) {
            throw new IOException(body.path("error").asText(body.path("message").asText(answer.body())));
        }
        return body;
    }

    @Command(name = "status", description = "Print members, roles, terms, lag, sizes and the last elections.")
    static final class Status implements Callable<Integer> {
        @Mixin
        private final DataOption data = new DataOption();

        @Option(names = "--json", description = "Print one JSON object.")
        private boolean json;

        @Override
        public Integer call() throws Exception {
            JsonNode status;
            try (ApiConnection api = ApiConnection.open(data.node())) {
                status = read(api.get("/coppice/cluster"));
            }
            if (json) {
                System.out.println(status);
            } else {
                print(status);
            }
            return status.path("leader").asText().isEmpty() ? 1 : 0;
        }

        private static void print(JsonNode status) {
            String leader = status.path("leader").asText();
            System.out.println((leader.isEmpty() ? "no leader" : "leader " + leader) + ", term "
                    + status.path("term").asLong());
            System.out.println();
            row("NAME", "ID", "ROLE", "TERM", "APPLIED", "LAG", "SIZE", "PEER");
            for (JsonNode each : status.path("members")) {
                row(
                        each.path("name").asText(),
                        each.path("id").asText(),
                        each.path("role").asText(),
                        each.path("term").asText(),
                        each.path("applied").asText(),
                        each.path("lag").asText("-"),
                        size(each.path("bytes").asLong()),
                        each.path("peerUrls").path(0).asText());
            }
            System.out.println();
            System.out.println("Elections, the last first:");
            status.path("elections")
                    .forEach(each -> System.out.println("  " + each.path("at").asText() + "  term "
                            + each.path("term").asLong() + "  "
                            + each.path("leader").asText()));
        }

        private static void row(
                String name,
                String id,
                String role,
                String term,
                String applied,
                String lag,
                String size,
                String peer) {
            System.out.printf(
                    "%-16s %-17s %-14s %5s %10s %6s %9s  %s%n", name, id, role, term, applied, lag, size, peer);
        }

        private static String size(long bytes) {
            return bytes < 10 << 20 ? (bytes >> 10) + " KiB" : (bytes >> 20) + " MiB";
        }
    }

    @Command(name = "token", description = "Make a token with which one node may join.")
    static final class Token implements Callable<Integer> {
        @Mixin
        private final DataOption data = new DataOption();

        @Option(
                names = "--ttl",
                paramLabel = "MINUTES",
                description = "How long it is good for (default: ${DEFAULT-VALUE}).")
        private int minutes = 60;

        @Option(names = "--json", description = "Print one JSON object.")
        private boolean json;

        @Override
        public Integer call() throws Exception {
            try (ApiConnection api = ApiConnection.open(data.node())) {
                JsonNode made = read(api.post("/coppice/cluster/tokens?ttlSeconds="
                        + Duration.ofMinutes(minutes).toSeconds()));
                if (json) {
                    System.out.println(made);
                    return 0;
                }
                System.out.println(made.path("token").asText());
                System.err.println(
                        "Good for one node until " + made.path("expires").asText()
                                + ". It carries the right to all keys of the cluster: keep it secret. On the new node:");
                System.err.println(
                        "  coppice up --name NAME --join " + made.path("join").asText() + " --join-token TOKEN");
            }
            return 0;
        }
    }

    @Command(name = "keys", description = "Make the keys that nodes share which begin a cluster together.")
    static final class Keys implements Callable<Integer> {
        @Parameters(paramLabel = "FILE", description = "Where to write them (mode 0600); copy it to every node.")
        private Path file = Path.of("cluster-keys.json");

        @Override
        public Integer call() throws Exception {
            ClusterKeys.make(file);
            System.err.println(
                    "Wrote " + file + ". Copy it to every node, start each with --cluster-keys, then delete it.");
            return 0;
        }
    }
}
