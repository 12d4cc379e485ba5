package dev.coppice.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.server.DataDirectory;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The option that says which node a command means. */
final class DataOption {
    @Option(
            names = "--data",
            paramLabel = "DIR",
            description = "The node's data directory (default: ~/.coppice, or $COPPICE_DATA).")
    private @Nullable Path data;

    Path path() {
        return path(".coppice");
    }

    /** @param home the directory in the user's own that is meant when nobody says which */
    Path path(String home) {
        if (data != null) {
            return data.toAbsolutePath().normalize();
        }
        String environment = System.getenv("COPPICE_DATA");
        return environment != null && !environment.isBlank()
                ? Path.of(environment).toAbsolutePath().normalize()
                : Path.of(System.getProperty("user.home"), home);
    }

    /** What the node of this directory wrote about itself. */
    ObjectNode node() throws IOException {
        return DataDirectory.node(path())
                .orElseThrow(() -> new IOException("no node has run on " + path()
                        + " yet: start one with `coppice up`, or name its directory with --data"));
    }
}
