package dev.coppice.server;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.logging.LogManager;

/** Sets up logging: one line a record on standard error. {@code -Djava.util.logging.config.file} overrides it. */
public final class Logging {
    private Logging() {}

    public static void configure() {
        if (System.getProperty("java.util.logging.config.file") != null) {
            return;
        }
        try (InputStream in = Logging.class.getResourceAsStream("logging.properties")) {
            if (in == null) {
                throw new IllegalStateException("logging.properties is missing from the build");
            }
            LogManager.getLogManager().readConfiguration(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
