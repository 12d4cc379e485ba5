package dev.coppice.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options that say which node a command asks, and as whom: one of this machine by its directory, or any by its address. */
final class ServerOption {
    @Mixin
    private final DataOption data = new DataOption();

    @Option(
            names = "--server",
            paramLabel = "URL",
            description = "Another node's API, such as https://10.0.0.1:8443, instead of --data.")
    private @Nullable String server;

    @Option(names = "--token-file", paramLabel = "FILE", description = "Goes with --server: holds a bearer token.")
    private @Nullable Path tokenFile;

    @Option(
            names = "--certificate-authority",
            paramLabel = "FILE",
            description = "Goes with --server: who signed its certificate (PEM).")
    private @Nullable Path authority;

    @Option(names = "--as", paramLabel = "USER", description = "Ask as this user; you have to be allowed to.")
    private String user = "";

    /** Where a node listens, as it wrote of itself; only the address of its API for another one. */
    ObjectNode node() throws IOException {
        if (server == null) {
            if (tokenFile != null || authority != null) {
                throw new IOException("--token-file and --certificate-authority go with --server");
            }
            return data.node();
        }
        List<String> problems = new ArrayList<>();
        if (!server.matches("https://[^/]+/?")) {
            problems.add("--server " + server + ": expected https://HOST:PORT");
        }
        readable("--token-file", tokenFile, problems);
        readable("--certificate-authority", authority, problems);
        if (!problems.isEmpty()) {
            throw new IOException(String.join("; ", problems));
        }
        return ApiAccess.JSON
                .createObjectNode()
                .put("api", server.replaceAll("/$", ""))
                .put("tokenFile", String.valueOf(tokenFile))
                .put("certificateAuthority", String.valueOf(authority));
    }

    private static void readable(String option, @Nullable Path file, List<String> problems) {
        if (file == null) {
            problems.add(option + " is missing: --server needs it");
        } else if (!Files.isReadable(file)) {
            problems.add(option + " " + file + ": no such file, or it may not be read");
        }
    }

    ApiConnection open() throws IOException {
        return ApiConnection.open(node()).as(user);
    }
}
