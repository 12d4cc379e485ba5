package dev.coppice.bench.limits;

import dev.coppice.bench.kernel.Section;
import dev.coppice.gateway.limit.Algorithm;
import dev.coppice.gateway.limit.KeyHash;
import dev.coppice.gateway.limit.Limiter;
import dev.coppice.gateway.limit.SlidingWindow;
import dev.coppice.gateway.limit.SlotBudget;
import dev.coppice.gateway.limit.TokenBucket;
import io.github.bucket4j.Bucket;
import io.github.resilience4j.ratelimiter.RateLimiterConfig;
import io.github.resilience4j.ratelimiter.RateLimiterRegistry;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Random;
import java.util.Scanner;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;

/**
 * One side of the table, in a process of its own: a million string keys, each of which may ask 1,000 times an hour, asked in a random
 * order by one thread. Keys are either kept strings, whose hashes the libraries keep too, or a new string for each check, as it comes
 * off a connection. For each line that it reads, which is a time in milliseconds, it answers with checks, how many passed, and the thread's CPU
 * time.
 */
final class LimitChecks {
    private static final int KEYS = 1_000_000;
    private static final int AT_ONCE = 1000;
    private static final int PER_HOUR = 1000;
    private static final long HOUR_NANOS = 3_600_000_000_000L;

    private static final int DIGITS = 7;

    private final byte[] text = "10.20.30.40/user-0000000".getBytes(StandardCharsets.ISO_8859_1);
    private final String[] keys;
    private final int[] order = new int[KEYS];
    private int at;

    private LimitChecks(boolean fresh) {
        Random random = new Random(1);
        keys = new String[fresh ? 0 : KEYS];
        for (int i = 0; i < KEYS; i++) {
            if (!fresh) {
                keys[i] = made(i);
            }
            order[i] = i;
        }
        for (int i = KEYS - 1; i > 0; i--) {
            int other = random.nextInt(i + 1);
            int swapped = order[i];
            order[i] = order[other];
            order[other] = swapped;
        }
    }

    private String made(int number) {
        for (int i = text.length - 1, rest = number; i >= text.length - DIGITS; i--, rest /= 10) {
            text[i] = (byte) ('0' + rest % 10);
        }
        return new String(text, StandardCharsets.ISO_8859_1);
    }

    private String key(int number) {
        return keys.length == 0 ? made(number) : keys[number];
    }

    private static Predicate<String> coppice(Algorithm algorithm) {
        KeyHash hash = new KeyHash(0x5EC4E7, 0xB15EC4E7);
        Limiter limiter = new Limiter(algorithm, Section.nanoTime(), new SlotBudget(8 << 20));
        return key -> {
            hash.begin();
            hash.add(key);
            return Limiter.passed(limiter.take(hash.end(), Section.nanoTime()));
        };
    }

    private static Predicate<String> bucket4j() {
        ConcurrentHashMap<String, Bucket> buckets = new ConcurrentHashMap<>();
        return key -> {
            Bucket bucket = buckets.get(key);
            if (bucket == null) {
                bucket = buckets.computeIfAbsent(
                        key,
                        _ -> Bucket.builder()
                                .addLimit(limit -> limit.capacity(PER_HOUR).refillGreedy(PER_HOUR, Duration.ofHours(1)))
                                .withNanosecondPrecision()
                                .build());
            }
            return bucket.tryConsume(1);
        };
    }

    private static Predicate<String> resilience4j() {
        RateLimiterRegistry registry = RateLimiterRegistry.of(RateLimiterConfig.custom()
                .limitForPeriod(PER_HOUR)
                .limitRefreshPeriod(Duration.ofHours(1))
                .timeoutDuration(Duration.ZERO)
                .build());
        return key -> registry.rateLimiter(key).acquirePermission();
    }

    private void run(Predicate<String> check, long millis) {
        long cpu = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
        long end = Section.nanoTime() + millis * 1_000_000;
        long checks = 0;
        long passed = 0;
        do {
            for (int i = 0; i < AT_ONCE; i++) {
                passed += check.test(key(order[at])) ? 1 : 0;
                at = at + 1 == KEYS ? 0 : at + 1;
            }
            checks += AT_ONCE;
        } while (Section.nanoTime() < end);
        cpu = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - cpu;
        System.out.println("ok " + checks + " " + passed + " " + cpu);
    }

    /** Arguments: the side, and {@code kept} or {@code fresh}. */
    public static void main(String[] arguments) {
        LimitChecks checks = new LimitChecks(arguments[1].equals("fresh"));
        long before = Section.usedBytes();
        Predicate<String> side = switch (arguments[0]) {
            case "bucket" -> coppice(new TokenBucket(PER_HOUR, HOUR_NANOS, PER_HOUR));
            case "window" -> coppice(new SlidingWindow(PER_HOUR, HOUR_NANOS));
            case "bucket4j" -> bucket4j();
            case "resilience4j" -> resilience4j();
            default -> throw new IllegalArgumentException(arguments[0]);
        };
        for (int i = 0; i < KEYS; i++) {
            boolean _ = side.test(checks.key(i));
        }
        System.out.println("ready " + (Section.usedBytes() - before) / KEYS);
        Scanner lines = new Scanner(System.in, StandardCharsets.UTF_8);
        while (lines.hasNextLine()) {
            checks.run(side, Long.parseLong(lines.nextLine().trim()));
        }
    }
}
