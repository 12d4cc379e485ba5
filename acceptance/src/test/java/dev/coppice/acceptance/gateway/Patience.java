package dev.coppice.acceptance.gateway;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Waits for things to become so. Once something did not, it is not waited long for the rest of the same test. */
final class Patience {
    private static final Duration AFTER_A_FAILURE = Duration.ofSeconds(1);
    private static final Duration AFTER_MANY_FAILED_TESTS = Duration.ofSeconds(3);
    private static final int MANY = 5;
    private static final long PAUSE_NANOS = 20_000_000;

    /** Says what is not yet so; null when all is. */
    interface Check {
        @Nullable
        String problem() throws Exception;
    }

    private final Duration limit;
    private final Predicate<String> hopeless;
    private int failedTests;
    private boolean failed;

    /** @param hopeless problems that no time mends; they are only looked at for a moment */
    Patience(Duration limit, Predicate<String> hopeless) {
        this.limit = limit;
        this.hopeless = hopeless;
    }

    /** To be called before each test. */
    void rest() {
        failedTests += failed ? 1 : 0;
        failed = false;
    }

    /** Asks again until there is no problem, or for too long: then the last problem. */
    @Nullable
    String until(Check check) throws InterruptedException {
        Duration patience = failed ? AFTER_A_FAILURE : failedTests >= MANY ? AFTER_MANY_FAILED_TESTS : limit;
        long now = System.nanoTime();
        long deadline = now + patience.toNanos();
        long hopelessDeadline = now + AFTER_A_FAILURE.toNanos();
        while (true) {
            String problem;
            try {
                problem = check.problem();
            } catch (InterruptedException e) {
                throw e;
            } catch (Exception e) {
                problem = e.toString();
            }
            if (problem == null) {
                return null;
            }
            if (System.nanoTime() > (hopeless.test(problem) ? hopelessDeadline : deadline)) {
                failed = true;
                return problem;
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }
}
