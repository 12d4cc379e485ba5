package dev.coppice.kernel;

import io.prometheus.metrics.core.metrics.Counter;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryNotificationInfo;
import java.lang.management.MemoryPoolMXBean;
import java.util.concurrent.Semaphore;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import javax.management.NotificationEmitter;
import javax.management.NotificationListener;
import org.jspecify.annotations.Nullable;

/**
 * Has the whole heap collected when its old generation has grown by half since it was collected last. The serial collector of JDK 25
 * does so only when the heap has reached its largest size: by then garbage that outlived the young generation would have taken half of
 * the machine's memory. With other collectors it does nothing. Idle, it costs nothing: the JVM tells it.
 */
public final class OldGeneration implements Task {
    /** How the serial collector calls it. */
    private static final String POOL = "Tenured Gen";

    private static final long LEAST_GROWTH = 24L << 20;

    /** A collection takes about a millisecond for a MiB that lives; from here on it comes more rarely. */
    private static final long LARGE = 256L << 20;

    private final Semaphore grown = new Semaphore(0);
    private final Counter collections;
    private final Runnable collect;

    public OldGeneration(Kernel kernel) {
        this(kernel, System::gc);
    }

    OldGeneration(Kernel kernel, Runnable collect) {
        this.collect = collect;
        this.collections = Counter.builder()
                .name("coppice_kernel_heap_collections_total")
                .help("Collections of the whole heap because its old generation had grown.")
                .register(kernel.metrics());
    }

    @Override
    public void run() throws Exception {
        MemoryPoolMXBean pool = pool();
        if (pool == null || !(ManagementFactory.getMemoryMXBean() instanceof NotificationEmitter emitter)) {
            return;
        }
        NotificationListener listener = (notification, _) -> {
            if (notification.getType().equals(MemoryNotificationInfo.MEMORY_THRESHOLD_EXCEEDED)) {
                exceeded();
            }
        };
        emitter.addNotificationListener(listener, null, null);
        try {
            long most = pool.getUsage().getMax();
            keep(
                    () -> pool.getUsage().getUsed(),
                    next -> pool.setUsageThreshold(most < 0 ? next : Math.min(next, most)));
        } finally {
            emitter.removeNotificationListener(listener);
        }
    }

    private static @Nullable MemoryPoolMXBean pool() {
        return ManagementFactory.getMemoryPoolMXBeans().stream()
                .filter(each -> each.getName().equals(POOL) && each.isUsageThresholdSupported())
                .findFirst()
                .orElse(null);
    }

    /** Told by the JVM. */
    void exceeded() {
        grown.release();
    }

    void keep(LongSupplier used, LongConsumer threshold) throws InterruptedException {
        threshold.accept(next(used.getAsLong()));
        while (true) {
            grown.acquire();
            int _ = grown.drainPermits();
            collect.run();
            collections.inc();
            threshold.accept(next(used.getAsLong()));
        }
    }

    /** At how many bytes it is collected again. */
    static long next(long living) {
        return living + (living > LARGE ? living : Math.max(LEAST_GROWTH, living / 2));
    }
}
