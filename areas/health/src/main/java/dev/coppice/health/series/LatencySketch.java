package dev.coppice.health.series;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * A histogram of latencies with buckets that grow by a tenth (the idea of DDSketch): quantiles are right to 5 percent from
 * 50 µs to 3 minutes, in little space. Sketches add up. Not safe for use by many threads.
 */
public final class LatencySketch {
    private static final double GROWTH = 1.1;
    private static final double LOG_GROWTH = Math.log(GROWTH);
    private static final double LEAST_MICROS = 50;
    static final int BUCKETS = 160;

    private final int[] counts = new int[BUCKETS];
    private long count;
    private long sumMicros;
    private int maxMicros;

    public void add(int micros) {
        if (micros < 0) {
            return;
        }
        counts[bucket(micros)]++;
        count++;
        sumMicros += micros;
        maxMicros = Math.max(maxMicros, micros);
    }

    public void add(LatencySketch other) {
        for (int i = 0; i < BUCKETS; i++) {
            counts[i] += other.counts[i];
        }
        count += other.count;
        sumMicros += other.sumMicros;
        maxMicros = Math.max(maxMicros, other.maxMicros);
    }

    public long count() {
        return count;
    }

    public int maxMicros() {
        return maxMicros;
    }

    /** Zero when empty. */
    public double meanMicros() {
        return count == 0 ? 0 : (double) sumMicros / count;
    }

    /** The latency that the share {@code q} of all was not above; 0 when empty. */
    public double quantileMicros(double q) {
        if (count == 0) {
            return 0;
        }
        long rank = Math.max(1, (long) Math.ceil(q * count));
        long seen = 0;
        for (int i = 0; i < BUCKETS; i++) {
            seen += counts[i];
            if (seen >= rank) {
                return Math.min(maxMicros, value(i));
            }
        }
        return maxMicros;
    }

    private static int bucket(int micros) {
        if (micros <= LEAST_MICROS) {
            return 0;
        }
        return Math.min(BUCKETS - 1, (int) Math.ceil(Math.log(micros / LEAST_MICROS) / LOG_GROWTH));
    }

    private static double value(int bucket) {
        return bucket == 0 ? LEAST_MICROS : LEAST_MICROS * Math.pow(GROWTH, bucket) * 2 / (1 + GROWTH);
    }

    void write(DataOutput out) throws IOException {
        out.writeLong(count);
        out.writeLong(sumMicros);
        out.writeInt(maxMicros);
        int used = 0;
        for (int c : counts) {
            used += c == 0 ? 0 : 1;
        }
        out.writeByte(used);
        for (int i = 0; i < BUCKETS; i++) {
            if (counts[i] != 0) {
                out.writeByte(i);
                out.writeInt(counts[i]);
            }
        }
    }

    static LatencySketch read(DataInput in) throws IOException {
        LatencySketch sketch = new LatencySketch();
        sketch.count = in.readLong();
        sketch.sumMicros = in.readLong();
        sketch.maxMicros = in.readInt();
        int used = in.readUnsignedByte();
        for (int i = 0; i < used; i++) {
            sketch.counts[Math.min(BUCKETS - 1, in.readUnsignedByte())] += in.readInt();
        }
        return sketch;
    }
}
