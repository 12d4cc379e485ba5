package dev.coppice.bench;

import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.probe.PreparedProbe;
import dev.coppice.probe.ProbeSpec;
import dev.coppice.probe.Prober;
import dev.coppice.probe.ProberOptions;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.IntStream;

/**
 * The process whose CPU time is measured: a prober and nothing else. It obeys lines on standard input: {@code burst COUNT
 * CONCURRENCY} probes as fast as it can, {@code fleet CHECKS INTERVAL_SECONDS ROUNDS} probes like a node with that many
 * checks. It answers each with how many succeeded.
 */
public final class ProbeLoad {
    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    private final Kernel kernel;
    private final PreparedProbe probe;
    private final LongAdder successes = new LongAdder();

    private ProbeLoad(Kernel kernel, PreparedProbe probe) {
        this.kernel = kernel;
        this.probe = probe;
    }

    public static void main(String[] arguments) throws Exception {
        try (var kernel = Kernel.start()) {
            var prober = new Prober(kernel, ProberOptions.DEFAULT);
            var load = new ProbeLoad(kernel, prober.prepare(ProbeSpec.Http.get(arguments[0])));
            var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                load.obey(line.split(" "));
            }
        }
    }

    private void obey(String[] words) throws Exception {
        successes.reset();
        switch (words[0]) {
            case "burst" -> burst(Integer.parseInt(words[1]), Integer.parseInt(words[2]));
            case "fleet" -> fleet(Integer.parseInt(words[1]), Integer.parseInt(words[2]), Integer.parseInt(words[3]));
            default -> throw new IllegalArgumentException(words[0]);
        }
        System.out.println(successes.sum());
    }

    private void once() throws InterruptedException {
        if (probe.run(TIMEOUT).success()) {
            successes.increment();
        }
    }

    private void burst(int count, int concurrency) throws Exception {
        var left = new AtomicInteger(count);
        var done = new CountDownLatch(concurrency);
        for (int i = 0; i < concurrency; i++) {
            kernel.root()
                    .start(ChildSpec.task("burst-" + i, () -> {
                                while (left.getAndDecrement() > 0) {
                                    once();
                                }
                                done.countDown();
                            })
                            .withRestart(ChildSpec.Restart.TEMPORARY));
        }
        done.await();
    }

    /** Every check runs at its own moment of the interval, on a virtual thread that lives as long as the probe. */
    private void fleet(int checks, int intervalSeconds, int rounds) throws Exception {
        long spacing = Duration.ofSeconds(intervalSeconds).toNanos() / checks;
        long start = kernel.clock().nanoTime();
        Iterable<Integer> moments = () -> IntStream.range(0, checks * rounds)
                .peek(i -> waitUntil(start + i * spacing))
                .iterator();
        kernel.tasks(1024)
                .forEach(
                        moments,
                        i -> {
                            once();
                            return i;
                        },
                        i -> {});
    }

    private void waitUntil(long nanoTime) {
        long wait = nanoTime - kernel.clock().nanoTime();
        try {
            if (wait > 0) {
                kernel.timers().sleep(Duration.ofNanos(wait));
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException("stopped", e);
        }
    }
}
