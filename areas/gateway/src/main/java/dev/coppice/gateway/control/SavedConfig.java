package dev.coppice.gateway.control;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.coppice.control.storage.Sealer;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.kernel.DurableFile;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The copy on disk of what is served, with which a process starts before its store or API is there. Written whole or not at all, and sealed
 * as a whole, since it has private keys. Safe for use by many threads.
 */
public final class SavedConfig {
    private static final System.Logger LOG = System.getLogger(SavedConfig.class.getName());
    private static final JsonMapper JSON = new JsonMapper();

    /** What the seal is bound to. */
    private static final String PLACE = "gateway/config";

    private final Path file;
    private final Sealer sealer;

    public SavedConfig(Path file, Sealer sealer) {
        this.file = file;
        this.sealer = sealer;
    }

    /** What was written last; empty when there is nothing that can be read. An earlier version did not seal it. */
    public Optional<GatewayConfig> read() {
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            return Optional.ofNullable(
                    JSON.readValue(sealer.open(PLACE, Files.readAllBytes(file)), GatewayConfig.class));
        } catch (IOException | RuntimeException e) {
            LOG.log(
                    Level.WARNING,
                    file + " cannot be read, and is ignored until it is written anew: " + e.getMessage());
            return Optional.empty();
        }
    }

    /** Returns once it would survive a power cut. */
    public void write(GatewayConfig config) throws IOException {
        try {
            DurableFile.write(file, sealer.seal(PLACE, JSON.writeValueAsBytes(config)));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the configuration cannot be written as JSON", e);
        }
    }
}
