package dev.coppice.bench;

import dev.coppice.bench.kernel.Section;
import dev.coppice.distribution.Distribution;
import dev.coppice.gateway.limit.KeySecret;
import dev.coppice.gateway.limit.Limiter;
import dev.coppice.gateway.limit.SlotBudget;
import dev.coppice.gateway.limit.TokenBucket;
import dev.coppice.gateway.share.LimitPeers;
import dev.coppice.gateway.share.LimitSharing;
import dev.coppice.gateway.share.SharedLimit;
import dev.coppice.gateway.share.SharedOutcome;
import dev.coppice.kernel.Kernel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongUnaryOperator;

/**
 * What a check of a limit costs that two nodes in this process share, by gRPC with TLS over loopback: {@code SharedLimitLoad [BURSTS]}. For one
 * key, nanoseconds of a check with its look at the clock, in bursts of checks with two milliseconds between them: of a limit that is not shared, of a
 * key that this node owns, and of one that the other one owns, by the allowance for it. Then how long a request waits for which there
 * is none.
 */
public final class SharedLimitLoad {
    private static final long SECOND_NANOS = 1_000_000_000;
    private static final int MOST = 1_000_000;
    private static final int BURST = 200;
    private static final int WAITS = 2_000;
    private static final long ODD = 0x9E3779B97F4A7C15L;

    private final Kernel kernel;
    private final SharedLimit shared;
    private final Limiter limiter = limiter();

    private SharedLimitLoad(Kernel kernel, SharedLimit shared) {
        this.kernel = kernel;
        this.shared = shared;
    }

    private static Limiter limiter() {
        return new Limiter(new TokenBucket(MOST, SECOND_NANOS, MOST), Section.nanoTime(), new SlotBudget(1 << 20));
    }

    public static void main(String[] arguments) throws Exception {
        int bursts = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 3_000;
        Path directory = Files.createTempDirectory("shared-limits");
        int first = FreePorts.next();
        int second = FreePorts.next();
        try (Kernel a = Kernel.start();
                Kernel b = Kernel.start()) {
            SharedLimit here = limit(a, RemoteMail.node(a, "a", first, second, directory));
            SharedLimit _ = limit(b, RemoteMail.node(b, "b", second, first, directory));
            new SharedLimitLoad(a, here).run(bursts);
        }
    }

    private static SharedLimit limit(Kernel kernel, Distribution distribution) throws Exception {
        LimitSharing sharing = new LimitSharing(kernel.clock(), new KeySecret(1, 2), kernel.metrics());
        LimitPeers _ = LimitPeers.start(distribution, kernel.root(), sharing);
        return sharing.limit(limiter(), new SlotBudget(1 << 20), List.of("limit"));
    }

    private void run(int bursts) throws Exception {
        long elsewhere = ODD;
        while (waited(elsewhere) < 0) {
            // At first there is no other node.
            kernel.timers().sleep(Duration.ofMillis(5));
            elsewhere += ODD;
        }
        long here = elsewhere + ODD;
        while (waited(here) >= 0) {
            here += ODD;
        }
        long far = elsewhere;
        long own = here;
        LongUnaryOperator plain = now -> limiter.take(7, now);
        LongUnaryOperator owned = now -> shared.take(own, now, _ -> {});
        LongUnaryOperator allowed = now -> shared.take(far, now, _ -> {});
        double[][] nanos = new double[3][bursts];
        int[] counts = new int[3];
        for (int i = -bursts / 2; i < bursts; i++) {
            int side = 0;
            for (LongUnaryOperator each : List.of(plain, owned, allowed)) {
                double taken = burst(each);
                if (i >= 0 && taken >= 0) {
                    nanos[side][counts[side]++] = taken;
                }
                side++;
                kernel.timers().sleep(Duration.ofMillis(1));
            }
        }
        String[] names = {"not shared", "owned", "allowance"};
        for (int side = 0; side < 3; side++) {
            tell(names[side], nanos[side], counts[side], "ns");
        }
        double[] micros = new double[WAITS];
        int waits = 0;
        for (long i = 1; waits < WAITS; i++) {
            long waited = waited(key(i));
            if (waited >= 0) {
                micros[waits++] = waited / 1e3;
            }
        }
        tell("wait", micros, waits, "us");
    }

    private static long key(long number) {
        return ODD * (number << 20);
    }

    /** How long a request waits; negative when it does not. */
    private long waited(long key) throws Exception {
        CompletableFuture<Long> decided = new CompletableFuture<>();
        long begin = Section.nanoTime();
        if (shared.take(key, begin, decided::complete) != SharedOutcome.PENDING) {
            return -1;
        }
        long _ = decided.get();
        return Section.nanoTime() - begin;
    }

    /** Nanoseconds of a check; negative when one of them had to wait. */
    private static double burst(LongUnaryOperator check) {
        boolean waits = false;
        long begin = Section.nanoTime();
        for (int i = 0; i < BURST; i++) {
            waits |= check.applyAsLong(Section.nanoTime()) == SharedOutcome.PENDING;
        }
        return waits ? -1 : (Section.nanoTime() - begin) / (double) BURST;
    }

    private static void tell(String name, double[] all, int count, String unit) {
        double[] sorted = Arrays.copyOf(all, count);
        Arrays.sort(sorted);
        System.out.println(String.format(
                Locale.ROOT,
                "{\"row\":\"%s\",\"unit\":\"%s\",\"count\":%d,\"median\":%.1f,\"p10\":%.1f,\"p90\":%.1f,\"p99\":%.1f}",
                name,
                unit,
                count,
                sorted[count / 2],
                sorted[count / 10],
                sorted[count * 9 / 10],
                sorted[count * 99 / 100]));
    }
}
