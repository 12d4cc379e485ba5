package dev.coppice.gateway.authentication;

import dev.coppice.gateway.config.SecurityConfig.KeySet;
import dev.coppice.kernel.Kernel;
import java.io.IOException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Keys that an issuer publishes: fetched when they are first wanted, again when they are old or a token names one that is not known, and that
 * at most every ten seconds. While the issuer is away, those that are known are good for a day. Safe for use by many threads.
 */
final class RemoteKeys implements KeySource {
    static final long MOST_STALE_NANOS = TimeUnit.HOURS.toNanos(24);

    /** Gets a set. */
    @FunctionalInterface
    interface Fetch {
        /** @throws IOException in words for people */
        String get() throws IOException;
    }

    private final Fetched<VerificationKeys> keys;

    /** @param told of each fetch: fetched, failed */
    RemoteKeys(KeySet.Remote config, Kernel kernel, Fetch fetch, Executor executor, Consumer<String> told) {
        this("the keys at " + config.uri(), config.refreshMillis(), kernel, fetch, executor, told);
    }

    /** @param what the beginning of a sentence for the log */
    RemoteKeys(String what, long refreshMillis, Kernel kernel, Fetch fetch, Executor executor, Consumer<String> told) {
        Fetched.Life life = new Fetched.Life(TimeUnit.MILLISECONDS.toNanos(refreshMillis), MOST_STALE_NANOS);
        this.keys = new Fetched<>(what, kernel, known -> read(fetch.get(), known), _ -> life, executor, told);
    }

    private static VerificationKeys read(String text, @Nullable VerificationKeys known) throws IOException {
        if (known != null && known.sameAs(text)) {
            // The same object, so that what is remembered of tokens stays good.
            return known;
        }
        try {
            return VerificationKeys.read(text);
        } catch (VerificationKeys.InvalidKeySetException e) {
            throw new IOException("the key set " + e.problem(), e);
        }
    }

    /** Gets it from where the configuration says. */
    static Fetch over(KeySet.Remote config, Kernel kernel) {
        IssuerClient client = IssuerClient.over(kernel, config.authorities(), config.allowLinkLocal());
        return () -> client.get(config.uri(), VerificationKeys.LARGEST);
    }

    @Override
    public @Nullable VerificationKeys current() {
        return keys.current();
    }

    @Override
    public boolean renew(Runnable done) {
        return keys.renew(done);
    }
}
