package dev.coppice.health.page;

import dev.coppice.control.Authorizer;
import dev.coppice.health.blackbox.BlackboxConfig;
import dev.coppice.health.blackbox.BlackboxHandler;
import dev.coppice.probe.Prober;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Handler;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Serves {@code /probe?target=…&module=…} as blackbox_exporter does, to those whose RBAC allows {@code get} on that path:
 * it lets them reach what the node reaches. Modules come from {@code blackbox.yml} in the area's data directory, read again
 * when it changes, and the built-in ones.
 */
public final class ProbeRoute implements Handler {
    public static final String PREFIX = "/probe";

    private static final System.Logger LOG = System.getLogger(ProbeRoute.class.getName());

    private final Authorizer authorizer;
    private final Path file;
    private final BlackboxHandler handler;
    private volatile @Nullable Loaded loaded;

    private record Loaded(@Nullable FileTime time, BlackboxConfig config) {}

    public ProbeRoute(Prober prober, Authorizer authorizer, Path directory) {
        this.authorizer = authorizer;
        this.file = directory.resolve("blackbox.yml");
        this.handler = new BlackboxHandler(prober, this::config);
    }

    @Override
    public void handle(Exchange exchange) throws Exception {
        if (authorizer.authorizePath(exchange.identity(), "get", PREFIX).allowed()) {
            handler.handle(exchange);
        } else {
            exchange.status(403)
                    .send(
                            "text/plain; charset=utf-8",
                            "you may not get " + PREFIX
                                    + "; an administrator can grant it by RBAC (nonResourceURLs)\n");
        }
    }

    /** What the file holds now; one that cannot be used leaves what was known before, and the log says why. */
    private BlackboxConfig config() {
        FileTime time = time();
        Loaded known = loaded;
        if (known == null || !Objects.equals(time, known.time())) {
            BlackboxConfig before = known == null ? BlackboxConfig.builtIn() : known.config();
            known = new Loaded(time, time == null ? BlackboxConfig.builtIn() : read(before));
            loaded = known;
        }
        return known.config();
    }

    private @Nullable FileTime time() {
        try {
            return Files.exists(file) ? Files.getLastModifiedTime(file) : null;
        } catch (IOException e) {
            return null;
        }
    }

    private BlackboxConfig read(BlackboxConfig before) {
        try {
            BlackboxConfig own = BlackboxConfig.parse(file.toString(), Files.readString(file), file.getParent());
            own.errors().forEach(error -> LOG.log(Level.WARNING, file + ": " + error));
            return own.withFallback(BlackboxConfig.builtIn());
        } catch (IOException | IllegalArgumentException e) {
            LOG.log(
                    Level.WARNING,
                    file + " cannot be used; the modules known before it changed stay: " + e.getMessage());
            return before;
        }
    }
}
