package dev.coppice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.coppice.control.keys.KeysHandler;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code coppice keys}: the keys that all nodes share, and their exchange. */
@Command(
        name = "keys",
        description = "Show the keys that encrypt secrets and sign tokens; exchange them while everything runs.",
        subcommands = {KeysCommand.Status.class, KeysCommand.Rotate.class},
        synopsisSubcommandLabel = "COMMAND")
final class KeysCommand {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static JsonNode read(ApiConnection.Answer answer) throws IOException {
        JsonNode body = JSON.readTree(answer.body());
        if (answer.status() != 200) {
            throw new IOException(body.path("message").asText(answer.body()));
        }
        return body;
    }

    private static void print(JsonNode keys) {
        JsonNode encryption = keys.path("encryption");
        if (encryption.isObject()) {
            System.out.println("encryption  " + encryption.path("current").asText() + " encrypts; known "
                    + names(encryption.path("keys")) + "; "
                    + switch (encryption.path("phase").asText()) {
                        case "rewriting" -> encryption.path("left").asInt() + " values to encrypt again";
                        case "waiting" ->
                            "everything is encrypted with it; older keys stay until history is compacted (10 minutes)";
                        default -> "nothing under way";
                    });
        }
        JsonNode signing = keys.path("signing");
        if (signing.isObject()) {
            System.out.println("signing     " + signing.path("current").asText() + " signs");
            signing.path("retire")
                    .properties()
                    .forEach(each -> System.out.println("            " + each.getKey() + " verifies until "
                            + each.getValue().asText()));
        }
    }

    private static String names(JsonNode list) {
        StringBuilder names = new StringBuilder();
        list.forEach(each -> names.append(names.isEmpty() ? "" : ", ").append(each.asText()));
        return names.toString();
    }

    @Command(name = "status", description = "Print which keys there are, and how far an exchange is.")
    static final class Status implements Callable<Integer> {
        @Mixin
        private final DataOption data = new DataOption();

        @Option(names = "--json", description = "Print one JSON object.")
        private boolean json;

        @Override
        public Integer call() throws Exception {
            try (ApiConnection api = ApiConnection.open(data.node())) {
                JsonNode keys = read(api.get(KeysHandler.PATH));
                if (json) {
                    System.out.println(keys);
                } else {
                    print(keys);
                }
            }
            return 0;
        }
    }

    /** What a key is for. */
    enum Use {
        encryption,
        signing
    }

    @Command(name = "rotate", description = "Begin to use a new key, on all nodes; older ones are forgotten in time.")
    static final class Rotate implements Callable<Integer> {
        @Mixin
        private final DataOption data = new DataOption();

        @Parameters(
                paramLabel = "USE",
                description = "encryption: secrets at rest, which are all encrypted again. signing: service account"
                        + " tokens; those that there are stay good.")
        private Use use = Use.encryption;

        @Option(names = "--end-old-tokens", description = "With signing: tokens that there are end now.")
        private boolean endOldTokens;

        @Option(names = "--json", description = "Print one JSON object.")
        private boolean json;

        @Override
        public Integer call() throws Exception {
            if (endOldTokens && use != Use.signing) {
                System.err.println("coppice: --end-old-tokens: encryption has no tokens: expected it with signing");
                return 2;
            }
            try (ApiConnection api = ApiConnection.open(data.node())) {
                JsonNode keys = read(api.post(
                        KeysHandler.PATH + "/" + use + "/rotate" + (endOldTokens ? "?endOldTokens=true" : "")));
                if (json) {
                    System.out.println(keys);
                } else {
                    print(keys);
                }
            }
            return 0;
        }
    }
}
