package dev.coppice.gateway.control;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.kernel.DurableFile;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The copy on disk of what is served, with which a node starts before its store is there. Written whole or not at all. */
public final class SavedConfig {
    private static final System.Logger LOG = System.getLogger(SavedConfig.class.getName());
    private static final JsonMapper JSON = new JsonMapper();

    private final Path file;

    public SavedConfig(Path file) {
        this.file = file;
    }

    /** What was written last; empty when there is nothing that can be read. */
    public Optional<GatewayConfig> read() {
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            return Optional.ofNullable(JSON.readValue(file.toFile(), GatewayConfig.class));
        } catch (IOException | RuntimeException e) {
            LOG.log(
                    Level.WARNING,
                    file + " cannot be read, and is ignored until it is written anew: " + e.getMessage());
            return Optional.empty();
        }
    }

    /**
     * Returns once it would survive a power cut. Of API keys and passwords it has hashes only. Whatever has a private key is left out, since keys are on no disk in the clear: listeners that
     * end TLS, and upstreams that a client certificate is shown to. Requests for such an upstream are answered with 500 until all is known again.
     */
    void write(GatewayConfig config) throws IOException {
        GatewayConfig kept = new GatewayConfig(
                config.listeners().stream().filter(each -> each.tls() == null).toList(),
                config.upstreams().stream()
                        .filter(each -> each.tls() == null || each.tls().client() == null)
                        .toList(),
                config.limits(),
                config.security());
        try {
            DurableFile.write(file, JSON.writeValueAsString(kept));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the configuration cannot be written as JSON", e);
        }
    }
}
