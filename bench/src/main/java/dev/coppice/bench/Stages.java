package dev.coppice.bench;

import dev.coppice.kernel.Clock;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.stage.Pipeline;
import dev.coppice.kernel.stage.Producer;
import dev.coppice.kernel.stage.StageOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Messages per second through stages, one by one, each acknowledged. Nothing of that sort from OTP is in Debian. */
public final class Stages {
    private Stages() {}

    public static void main(String[] arguments) throws Exception {
        int count = Integer.parseInt(arguments[0]);
        int rounds = Integer.parseInt(arguments[1]);
        for (int round = 1; round <= rounds; round++) {
            measure("one-edge", round, count, 1, false);
            measure("two-edges", round, count, 1, true);
            measure("two-workers", round, count, 2, false);
        }
    }

    private static void measure(String what, int round, int count, int workers, boolean middle) throws Exception {
        StageOptions options = StageOptions.DEFAULT.withConcurrency(workers).withDemand(1_000);
        try (Kernel kernel = Kernel.start()) {
            Pipeline pipeline = new Pipeline(kernel, "bench", Duration.ofSeconds(1), _ -> {});
            Pipeline.Outlet<Integer> outlet =
                    pipeline.produce("source", StageOptions.DEFAULT.withDemand(1_000), () -> upTo(count), (_, _) -> {});
            if (middle) {
                outlet = outlet.process("middle", options, (n, out) -> out.accept(n));
            }
            outlet.consume("end", options, (_, _) -> {});
            long start = Clock.system().nanoTime();
            pipeline.start(kernel.root());
            if (!pipeline.awaitDone(Duration.ofMinutes(5)) || pipeline.acknowledged() != count) {
                throw new IllegalStateException(pipeline.acknowledged() + " of " + count + " were acknowledged");
            }
            double seconds = (Clock.system().nanoTime() - start) / 1e9;
            System.out.println(String.format(
                    Locale.ROOT,
                    "{\"bench\":\"stages\",\"case\":\"%s\",\"round\":%d,\"messages_per_s\":%.0f}",
                    what,
                    round,
                    count / seconds));
        }
    }

    private static Producer<Integer> upTo(int count) {
        int[] next = new int[1];
        return demand -> {
            List<Integer> messages = new ArrayList<>(demand);
            while (messages.size() < demand && next[0] < count) {
                messages.add(next[0]++);
            }
            return messages;
        };
    }
}
