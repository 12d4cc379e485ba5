package dev.coppice.kernel;

import java.time.Duration;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.StressOptions;

/**
 * Lincheck with bounds for an ordinary build; more with {@code -Dcoppice.long=true}. It makes the same scenarios in each run.
 *
 * <p>What needs threads of the kernel is not under it, as it would have to control those: that an idle process is woken
 * ({@link ActivationStressTest}), that senders wait for room in a mailbox ({@link MailboxSemanticsTest}), that calls end with
 * their process ({@link CallSemanticsTest}), that timers fire on time ({@link TimerTest}).
 */
final class Linearizability {
    private static final int TIMES = Boolean.getBoolean("coppice.long") ? 20 : 1;

    private static final int ITERATIONS = 8 * TIMES;
    private static final int TRIAL = 20;
    private static final Duration STRESS = Duration.ofSeconds(15L * TIMES * TIMES);

    private Linearizability() {}

    /**
     * Tries interleavings of the steps of few threads, one after the other. Lincheck walks all objects that the test reaches,
     * so a kernel must not be among them: with one, an invocation takes 50 ms.
     */
    static void modelCheck(Class<?> test, Class<?> sequential) {
        new ModelCheckingOptions()
                .sequentialSpecification(sequential)
                .iterations(ITERATIONS)
                .invocationsPerIteration(60 * TIMES)
                .threads(2)
                .actorsPerThread(3)
                .actorsBefore(2)
                .actorsAfter(2)
                .check(test);
    }

    /**
     * Runs threads beside each other: for what needs a kernel, or does not show one step at a time. They begin together by
     * spinning, so on a machine whose processors are taken an invocation takes many time slices: it makes fewer then.
     */
    static void stress(Class<?> test, Class<?> sequential) {
        stress(test, sequential, 1, 1); // until all is loaded
        long start = System.nanoTime();
        stress(test, sequential, 1, TRIAL);
        long each = Math.max(1, (System.nanoTime() - start) / TRIAL);
        int invocations = Math.clamp(STRESS.toNanos() / ITERATIONS / each, TRIAL, 300 * TIMES);
        if (invocations < 300 * TIMES) {
            System.out.println("a busy machine: only " + invocations + " invocations of " + test.getSimpleName());
        }
        stress(test, sequential, ITERATIONS, invocations);
    }

    private static void stress(Class<?> test, Class<?> sequential, int iterations, int invocations) {
        new StressOptions()
                .sequentialSpecification(sequential)
                .iterations(iterations)
                .invocationsPerIteration(invocations)
                .threads(3)
                .actorsPerThread(3)
                .actorsBefore(1)
                .actorsAfter(2)
                .check(test);
    }
}
