package dev.coppice.gateway.balance;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * What an endpoint is doing for all event loops together: requests that are on their way, and how long answers took. Safe for use by
 * many threads, without locks.
 *
 * <p>One padded word each, not a LongAdder: a choice reads it as often as a request writes it, a LongAdder's sum walks all of its cells and
 * may miss what happens meanwhile, and no more threads write than there are event loops. The padding keeps endpoints that lie next to
 * each other in memory from sharing a cache line.
 *
 * <p>Latency is the peak-EWMA of Finagle and Linkerd: a slower answer counts at once, faster ones bring it down as time goes by.
 */
public final class EndpointLoad extends EndpointLoadValues {
    private static final VarHandle IN_FLIGHT;
    private static final VarHandle LATENCY;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            IN_FLIGHT = lookup.findVarHandle(EndpointLoadValues.class, "inFlight", int.class);
            LATENCY = lookup.findVarHandle(EndpointLoadValues.class, "latency", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Ticks of 2^16 ns: an unsigned 32-bit number of them wraps after 78 hours. */
    private static final int TICK_BITS = 16;

    private static final long LOW = 0xFFFF_FFFFL;

    // What comes before and after the values fills cache lines.
    @SuppressWarnings("unused")
    private long p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15;

    /** A request begins. */
    public void begin() {
        int _ = (int) IN_FLIGHT.getAndAdd(this, 1);
    }

    /** A request that began is over. */
    public void end() {
        int _ = (int) IN_FLIGHT.getAndAdd(this, -1);
    }

    /** Requests that began and are not over. */
    public int inFlight() {
        return inFlight;
    }

    /**
     * An answer came.
     *
     * @param now nanoseconds of a clock
     * @param nanos how long it took
     * @param decayNanos after which an old value counts a third (1/e)
     */
    public void observe(long now, long nanos, long decayNanos) {
        while (true) {
            long before = latency;
            float known = Float.intBitsToFloat((int) (before >>> Integer.SIZE));
            float next;
            if (nanos >= known) {
                next = nanos;
            } else {
                double keeps = keeps(before, now, decayNanos);
                next = (float) (known * keeps + nanos * (1 - keeps));
            }
            long after = (long) Float.floatToRawIntBits(next) << Integer.SIZE | now >>> TICK_BITS & LOW;
            if (LATENCY.compareAndSet(this, before, after)) {
                return;
            }
        }
    }

    /** Nanoseconds that an answer is likely to take, less the longer nothing was heard; 0 when nothing ever was. */
    public double latency(long now, long decayNanos) {
        long value = latency;
        return value == 0 ? 0 : Float.intBitsToFloat((int) (value >>> Integer.SIZE)) * keeps(value, now, decayNanos);
    }

    /** How much of a value is left of it now. */
    private static double keeps(long value, long now, long decayNanos) {
        long age = (now >>> TICK_BITS) - value & LOW;
        // Another thread's clock may have been read a little later than ours.
        return age > LOW / 2 ? 1 : Math.exp(-(double) (age << TICK_BITS) / decayNanos);
    }
}
