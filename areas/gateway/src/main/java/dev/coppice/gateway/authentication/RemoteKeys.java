package dev.coppice.gateway.authentication;

import dev.coppice.control.webhook.ClientTls;
import dev.coppice.control.webhook.HttpsCall;
import dev.coppice.gateway.config.SecurityConfig.KeySet;
import dev.coppice.kernel.Backoff;
import dev.coppice.kernel.Kernel;
import dev.coppice.probe.AddressPolicy;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Keys that an issuer publishes: fetched when they are first wanted, again when they are old or a token names one that is not known, and that
 * at most every ten seconds. While the issuer is away, those that are known are good for a day. Safe for use by many threads.
 */
final class RemoteKeys implements KeySource {
    private static final System.Logger LOG = System.getLogger(RemoteKeys.class.getName());
    private static final Duration CALL = Duration.ofSeconds(5);
    private static final long GAP_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final long MOST_STALE_NANOS = TimeUnit.HOURS.toNanos(24);
    private static final Backoff RETRY = Backoff.of(Duration.ofSeconds(1), Duration.ofSeconds(30));
    private static final int MOST_WAITING = 1024;
    private static final Map<String, String> HEADERS = Map.of("User-Agent", "coppice-gateway");

    /** Gets a set. */
    @FunctionalInterface
    interface Fetch {
        /** @throws IOException in words for people */
        String get() throws IOException;
    }

    private final String uri;
    private final long refreshNanos;
    private final Kernel kernel;
    private final Fetch fetch;
    private final Executor executor;
    private final Consumer<String> told;
    private final List<Runnable> waiting = new ArrayList<>();
    private volatile @Nullable VerificationKeys keys;
    private volatile long fetchedNanos;
    private long nextNanos;
    private boolean fetching;
    private int failures;

    /** @param told of each fetch: fetched, failed */
    RemoteKeys(KeySet.Remote config, Kernel kernel, Fetch fetch, Executor executor, Consumer<String> told) {
        this.uri = config.uri();
        this.refreshNanos = TimeUnit.MILLISECONDS.toNanos(config.refreshMillis());
        this.kernel = kernel;
        this.fetch = fetch;
        this.executor = executor;
        this.told = told;
        this.nextNanos = kernel.clock().nanoTime();
    }

    /** Gets it from where the configuration says. */
    static Fetch over(KeySet.Remote config, Kernel kernel) {
        AddressPolicy addresses = config.allowLinkLocal() ? AddressPolicy.OPEN : AddressPolicy.STRICT;
        return () -> {
            try {
                ClientTls tls = ClientTls.of(kernel.secureRandom(), config.authorities(), null, null);
                HttpsCall.Answer answer = HttpsCall.to(
                                tls, URI.create(config.uri()), HEADERS, CALL, VerificationKeys.LARGEST)
                        .onlyTo(addresses::refusal)
                        .send(kernel, "GET", null);
                if (answer.status() != 200) {
                    throw new IOException("it answered with status " + answer.status());
                }
                return new String(answer.body(), StandardCharsets.UTF_8);
            } catch (GeneralSecurityException | IllegalArgumentException e) {
                throw new IOException(String.valueOf(e.getMessage()), e);
            }
        };
    }

    @Override
    public @Nullable VerificationKeys current() {
        VerificationKeys known = keys;
        if (known == null) {
            return null;
        }
        long age = kernel.clock().nanoTime() - fetchedNanos;
        if (age > refreshNanos) {
            begin(null);
        }
        return age > MOST_STALE_NANOS ? null : known;
    }

    @Override
    public boolean renew(Runnable done) {
        return begin(done);
    }

    /** Begins a fetch unless there was one lately, or joins the one that is on its way. */
    private boolean begin(@Nullable Runnable done) {
        synchronized (waiting) {
            boolean due = kernel.clock().nanoTime() - nextNanos >= 0;
            if (!fetching && !due || done != null && waiting.size() >= MOST_WAITING) {
                return false;
            }
            if (done != null) {
                waiting.add(done);
            }
            if (fetching) {
                return true;
            }
            fetching = true;
        }
        try {
            executor.execute(this::run);
        } catch (RejectedExecutionException e) {
            end(false);
        }
        return true;
    }

    private void run() {
        boolean good = false;
        try {
            String text = fetch.get();
            VerificationKeys known = keys;
            if (known == null || !known.sameAs(text)) {
                keys = VerificationKeys.read(text);
            }
            fetchedNanos = kernel.clock().nanoTime();
            good = true;
        } catch (IOException e) {
            LOG.log(Level.WARNING, "the keys at " + uri + " cannot be fetched: " + e.getMessage());
        } catch (VerificationKeys.InvalidKeySetException e) {
            LOG.log(Level.WARNING, "the key set at " + uri + " " + e.problem());
        } finally {
            end(good);
        }
    }

    private void end(boolean good) {
        told.accept(good ? "fetched" : "failed");
        List<Runnable> all;
        synchronized (waiting) {
            failures = good ? 0 : failures + 1;
            fetching = false;
            nextNanos = kernel.clock().nanoTime()
                    + (good ? GAP_NANOS : RETRY.delay(failures, kernel.random()).toNanos());
            all = List.copyOf(waiting);
            waiting.clear();
        }
        all.forEach(Runnable::run);
    }
}
