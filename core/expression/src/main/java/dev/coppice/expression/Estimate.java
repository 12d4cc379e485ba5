package dev.coppice.expression;

/**
 * A range of what something can cost or how big it can be: cost units, characters, bytes, elements or entries. Both ends are
 * unsigned 64-bit numbers, and arithmetic stops at the largest one ({@code -1L}), which also stands for "no limit known".
 * Compare with {@link Long#compareUnsigned}.
 *
 * @param min the least
 * @param max the most
 */
public record Estimate(long min, long max) {

    /** The largest number. */
    public static final long UNLIMITED = -1L;

    static final Estimate UNKNOWN = new Estimate(0, UNLIMITED);
    static final Estimate ZERO = exactly(0);
    static final Estimate ONE = exactly(1);

    private static final double TWO_TO_63 = 0x1p63;
    private static final double TWO_TO_64 = 0x1p64;

    static Estimate exactly(long number) {
        return new Estimate(number, number);
    }

    static Estimate upTo(long max) {
        return new Estimate(0, max);
    }

    Estimate plus(Estimate other) {
        return new Estimate(sum(min, other.min), sum(max, other.max));
    }

    Estimate times(Estimate other) {
        return new Estimate(product(min, other.min), product(max, other.max));
    }

    /** Both ends multiplied and rounded up. */
    Estimate times(double factor) {
        return new Estimate(scaled(min, factor), scaled(max, factor));
    }

    /** The range that has both. */
    Estimate or(Estimate other) {
        return new Estimate(
                Long.compareUnsigned(min, other.min) <= 0 ? min : other.min,
                Long.compareUnsigned(max, other.max) >= 0 ? max : other.max);
    }

    /** The unsigned sum, at most {@link #UNLIMITED}. */
    public static long sum(long a, long b) {
        long sum = a + b;
        return Long.compareUnsigned(sum, a) < 0 ? UNLIMITED : sum;
    }

    /** The unsigned product, at most {@link #UNLIMITED}. */
    public static long product(long a, long b) {
        return Math.unsignedMultiplyHigh(a, b) == 0 ? a * b : UNLIMITED;
    }

    /** An unsigned number as the nearest double. */
    public static double toDouble(long number) {
        return number >= 0 ? number : ((number >>> 1) | (number & 1)) * 2.0;
    }

    private static long scaled(long number, double factor) {
        double scaled = Math.ceil(toDouble(number) * factor);
        if (scaled >= TWO_TO_64) {
            return UNLIMITED;
        }
        return scaled < TWO_TO_63 ? (long) scaled : (long) (scaled - TWO_TO_63) + Long.MIN_VALUE;
    }
}
