package dev.coppice.gateway.authentication;

import dev.coppice.kernel.Backoff;
import dev.coppice.kernel.Kernel;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Something that somebody else gives out: fetched when it is first wanted, and again when it is old, one fetch at a time and every ten
 * seconds at most. While that fails, what is known is good for some time. Safe for use by many threads; never blocks them.
 */
final class Fetched<T> {
    private static final System.Logger LOG = System.getLogger(Fetched.class.getName());
    private static final long GAP_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final Backoff RETRY = Backoff.of(Duration.ofSeconds(1), Duration.ofSeconds(30));
    static final int MOST_WAITING = 1024;

    /** Gets it; may block. */
    @FunctionalInterface
    interface Fetch<T> {
        /**
         * Gets it as it is now.
         *
         * @param known what was fetched before, to be returned when it is still the same
         * @throws IOException in words for people
         */
        T get(@Nullable T known) throws IOException;
    }

    /**
     * How long it is good, from when it was fetched.
     *
     * @param freshNanos after which it is fetched again
     * @param goodNanos after which it counts no more
     */
    record Life(long freshNanos, long goodNanos) {}

    /** Says how long something is good. */
    @FunctionalInterface
    interface Lives<T> {
        Life of(T value);
    }

    private record Value<T>(T value, Life life, long fetchedNanos) {}

    private final String what;
    private final Kernel kernel;
    private final Fetch<T> fetch;
    private final Lives<T> lives;
    private final Executor executor;
    private final Consumer<String> told;
    private final List<Runnable> waiting = new ArrayList<>();
    private volatile @Nullable Value<T> known;
    private long nextNanos;
    private boolean fetching;
    private int failures;

    /**
     * Has nothing yet.
     *
     * @param what the beginning of a sentence for the log, such as "the keys at URI"
     * @param told of each fetch: fetched, failed
     */
    Fetched(String what, Kernel kernel, Fetch<T> fetch, Lives<T> lives, Executor executor, Consumer<String> told) {
        this.what = what;
        this.kernel = kernel;
        this.fetch = fetch;
        this.lives = lives;
        this.executor = executor;
        this.told = told;
        this.nextNanos = kernel.clock().nanoTime();
    }

    /** What is known and good; null while there is nothing. Has it fetched when it is old. */
    @Nullable
    T current() {
        Value<T> now = known;
        if (now == null) {
            return null;
        }
        long age = kernel.clock().nanoTime() - now.fetchedNanos;
        if (age > now.life.freshNanos) {
            want();
        }
        return age > now.life.goodNanos ? null : now.value;
    }

    /** Has it fetched, unless it is on its way or was tried lately. */
    void want() {
        boolean _ = begin(null);
    }

    /**
     * Begins a fetch unless there was one lately, or joins the one that is on its way.
     *
     * @param done called once, by another thread, when that is over
     * @return whether it is; if not, {@code done} is never called
     */
    boolean renew(Runnable done) {
        return begin(done);
    }

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
            Value<T> before = known;
            T value = fetch.get(before == null ? null : before.value);
            known = new Value<>(value, lives.of(value), kernel.clock().nanoTime());
            good = true;
        } catch (IOException e) {
            LOG.log(Level.WARNING, what + " cannot be fetched: " + e.getMessage());
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
