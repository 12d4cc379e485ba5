package dev.coppice.bench.kernel;

import dev.coppice.kernel.Clock;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.BooleanSupplier;

/** Measures a stretch of time: by the clock, and by the CPU time of all threads of this process, the collector's too. */
public final class Section {
    private static final Clock CLOCK = Clock.system();

    private final long beginNanos;
    private final long beginCpuNanos;

    private Section() {
        beginCpuNanos = cpuNanos();
        beginNanos = nanoTime();
    }

    /** Collects garbage, so that no run pays for the one before, and begins. */
    public static Section begin() {
        System.gc();
        return new Section();
    }

    public long elapsedNanos() {
        return nanoTime() - beginNanos;
    }

    public Answer end(long units) {
        return new Answer(
                Map.of("units", units, "nanos", elapsedNanos(), "cpuNanos", Math.max(1, cpuNanos() - beginCpuNanos)));
    }

    /** Waits until the condition holds, and looks every millisecond, as the Elixir side does. */
    public static void await(BooleanSupplier condition) throws InterruptedException {
        while (!condition.getAsBoolean()) {
            Thread.sleep(1);
        }
    }

    public static long nanoTime() {
        return CLOCK.nanoTime();
    }

    /** Bytes of the heap that are reachable. */
    public static long usedBytes() {
        System.gc();
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }

    /** User and system time (proc(5)), which counts in hundredths of a second: the same for every side. */
    private static long cpuNanos() {
        try {
            String stat = Files.readString(Path.of("/proc/self/stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) * 10_000_000;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
