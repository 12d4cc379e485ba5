package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.ProcessOptions.Mode;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Sends to a process at the moments when it falls idle, again and again. Each round waits until all is handled, so that no
 * later message covers for one that was left lying. Long with {@code -Dcoppice.long=true}; why it holds is told in
 * decision 0011.
 */
final class ActivationStressTest {
    private static final int ROUNDS = Boolean.getBoolean("coppice.long") ? 300_000 : 2_000;

    private final AtomicLong handled = new AtomicLong();
    private final AtomicLong described = new AtomicLong();

    private Behavior<Integer> counting() {
        return new Behavior<>() {
            @Override
            public void handle(ProcessContext<Integer> self, Integer message) {
                handled.getAndIncrement();
                if (message == 3) {
                    self.continueWith(4);
                }
            }

            @Override
            public Object describe() {
                return handled.get();
            }
        };
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName("no mail, signal or continuation is left lying in a process that falls idle")
    void fallsIdle(Mode mode) throws Exception {
        long seed = System.nanoTime();
        try (Kernel kernel = Kernel.start()) {
            Supervisor.Child process = kernel.root()
                    .start(ChildSpec.process("idler", this::counting, ProcessOptions.DEFAULT.withMode(mode)));
            AtomicLong round = new AtomicLong();
            AtomicLong sent = new AtomicLong();
            List<Thread> senders = List.of(
                    sender(seed, 1, round, sent, process),
                    sender(seed, 2, round, sent, process),
                    sender(seed, 3, round, sent, process));
            try {
                for (int i = 1; i <= ROUNDS; i++) {
                    round.set(i);
                    long messages = i * 4L;
                    long asked = i;
                    if (!(handled.get() == messages && described.get() == asked)) {
                        await(messages, asked, "seed " + seed + ", round " + i);
                    }
                }
            } finally {
                round.set(-1);
                for (Thread sender : senders) {
                    sender.join();
                }
            }
            assertThat(sent.get()).isEqualTo(ROUNDS * 3L);
        }
    }

    private void await(long messages, long asked, String what) {
        for (int spins = 0; spins < 10_000; spins++) {
            if (handled.get() == messages && described.get() == asked) {
                return;
            }
            Thread.yield();
        }
        eventually(
                () -> what + ": " + messages + " messages, handled " + handled + "; described " + described,
                () -> handled.get() == messages && described.get() == asked);
    }

    /** Sends once a round, a random moment after its begin; the third sender's mail makes it continue. */
    private Thread sender(long seed, int number, AtomicLong round, AtomicLong sent, Supervisor.Child process) {
        SplittableRandom random = new SplittableRandom(seed + number);
        ProcessRef<Integer> address = process.ref();
        return Thread.ofPlatform().daemon().start(() -> {
            long last = 0;
            while (true) {
                long now = round.get();
                if (now == last) {
                    Thread.yield();
                    continue;
                }
                if (now < 0) {
                    return;
                }
                last = now;
                for (int spin = random.nextInt(2_000); spin > 0; spin--) {
                    Thread.onSpinWait();
                }
                address.cast(number);
                sent.getAndIncrement();
                if (number == 1) {
                    process.describe().thenAccept(answer -> described.getAndIncrement());
                }
            }
        });
    }
}
