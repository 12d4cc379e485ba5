package dev.coppice.gateway.proxy;

import io.netty.buffer.PooledByteBufAllocator;
import io.netty.util.ResourceLeakDetector;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Buffers that nobody released, as Netty's leak detection finds them: every buffer is watched, and is missed when it has been collected.
 * The module's pom.xml makes Netty use this.
 */
public final class BufferLeaks<T> extends ResourceLeakDetector<T> {
    private static final Queue<String> FOUND = new ConcurrentLinkedQueue<>();

    /** As Netty makes it. */
    public BufferLeaks(Class<?> resource, int samplingInterval) {
        super(resource, samplingInterval);
    }

    /** As Netty asks for first, with a bound that it does not use. */
    @SuppressWarnings("deprecation")
    public BufferLeaks(Class<?> resource, int samplingInterval, long maxActive) {
        super(resource, samplingInterval, maxActive);
    }

    @Override
    protected boolean needReport() {
        return true;
    }

    @Override
    protected void reportTracedLeak(String type, String records) {
        FOUND.add(type + records);
    }

    @Override
    protected void reportUntracedLeak(String type) {
        FOUND.add(type);
    }

    /** Those that were found since the last time. */
    static List<String> found() {
        System.gc();
        // The detector looks at what was collected when the next buffer is made.
        PooledByteBufAllocator.DEFAULT.directBuffer(16).release();
        List<String> all = new ArrayList<>();
        for (String each = FOUND.poll(); each != null; each = FOUND.poll()) {
            all.add(each);
        }
        return all;
    }
}
