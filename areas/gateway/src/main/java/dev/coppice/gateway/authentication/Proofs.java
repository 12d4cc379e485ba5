package dev.coppice.gateway.authentication;

import dev.coppice.kernel.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Finds out whether credentials are good where that takes long: elsewhere, once for all requests that have the same one at a time, and not again
 * while it is remembered. Requests that wait are bounded. Safe for use by many threads.
 */
final class Proofs {
    static final int MOST_WAITING = 512;

    private final Clock clock;
    private final ProofCache cache;
    private final long scope;
    private final Executor executor;
    private final Map<Fingerprint, List<Consumer<Outcome>>> waiting = new HashMap<>();
    private int count;

    /**
     * Makes one.
     *
     * @param scope another one for each configuration
     * @param executor bounds how many run at a time
     */
    Proofs(Clock clock, ProofCache cache, long scope, Executor executor) {
        this.clock = clock;
        this.cache = cache;
        this.scope = scope;
        this.executor = executor;
    }

    /** What is remembered of a credential; null when nothing is. */
    Outcome.@Nullable Known remembered(String credential) {
        return cache.get(cache.key(scope, credential));
    }

    /** Remembers that a credential is good, until a time since 1970. */
    void remember(String credential, Outcome.Known known, long endsMillis) {
        cache.put(cache.key(scope, credential), known, endsMillis);
    }

    /**
     * Finds it out.
     *
     * @param millis how long what is good is remembered
     * @param check takes long
     */
    void prove(String credential, long millis, Supplier<Outcome> check, Consumer<Outcome> done) {
        Fingerprint key = cache.key(scope, credential);
        Outcome.Known proven = cache.get(key);
        if (proven != null) {
            done.accept(proven);
            return;
        }
        boolean full;
        synchronized (waiting) {
            full = count >= MOST_WAITING;
            if (!full) {
                count++;
                List<Consumer<Outcome>> others = waiting.get(key);
                if (others != null) {
                    others.add(done);
                    return;
                }
                List<Consumer<Outcome>> first = new ArrayList<>(1);
                first.add(done);
                waiting.put(key, first);
            }
        }
        if (full) {
            done.accept(new Outcome.Unavailable("too many credentials wait to be checked"));
            return;
        }
        try {
            executor.execute(() -> run(key, millis, check));
        } catch (RejectedExecutionException e) {
            tell(key, new Outcome.Unavailable("credentials cannot be checked now"));
        }
    }

    private void run(Fingerprint key, long millis, Supplier<Outcome> check) {
        Outcome outcome = new Outcome.Unavailable("the credential could not be checked");
        try {
            outcome = check.get();
            if (outcome instanceof Outcome.Known known) {
                cache.put(key, known, clock.currentTimeMillis() + millis);
            }
        } finally {
            tell(key, outcome);
        }
    }

    private void tell(Fingerprint key, Outcome outcome) {
        List<Consumer<Outcome>> all;
        synchronized (waiting) {
            all = waiting.remove(key);
            count -= all == null ? 0 : all.size();
        }
        if (all != null) {
            all.forEach(each -> each.accept(outcome));
        }
    }
}
