package dev.coppice.serving;

import dev.coppice.kernel.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Slows down whoever guesses tokens: after too many failed logins from one address within a minute, further ones from there
 * are refused until the minute is over. Others are not held up. Remembers the addresses that failed last, up to a bound.
 * Safe for use by many threads.
 */
final class LoginLimiter {
    private static final int MAX_FAILURES = 20;
    private static final Duration WINDOW = Duration.ofMinutes(1);
    private static final int MAX_ADDRESSES = 4_096;

    private record Failures(long sinceNanos, int count) {}

    private final Clock clock;
    private final Map<String, Failures> failures = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Failures> eldest) {
            return size() > MAX_ADDRESSES;
        }
    };

    LoginLimiter(Clock clock) {
        this.clock = clock;
    }

    synchronized boolean refuses(String address) {
        Failures known = failures.get(address);
        return known != null && !over(known) && known.count() >= MAX_FAILURES;
    }

    synchronized void failed(String address) {
        failures.compute(
                address,
                (key, known) -> known == null || over(known)
                        ? new Failures(clock.nanoTime(), 1)
                        : new Failures(known.sinceNanos(), known.count() + 1));
    }

    private boolean over(Failures known) {
        return clock.nanoTime() - known.sinceNanos() >= WINDOW.toNanos();
    }
}
