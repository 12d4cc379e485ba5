package dev.coppice.health.series;

/** The results of one check in one period (an hour or a day), summed up. */
public record Rollup(int check, Tally tally, LatencySketch latency) {
    static Rollup of(int check, Iterable<Sample> samples) {
        long[] n = new long[4];
        LatencySketch sketch = new LatencySketch();
        for (Sample sample : samples) {
            switch (sample.outcome()) {
                case UP -> n[0]++;
                case DEGRADED -> n[1]++;
                case DOWN -> n[2]++;
                case SUPPRESSED, MAINTENANCE -> n[3]++;
            }
            if (sample.outcome() == Sample.Outcome.UP || sample.outcome() == Sample.Outcome.DEGRADED) {
                sketch.add(sample.latencyMicros());
            }
        }
        return new Rollup(check, new Tally(n[0], n[1], n[2], n[3]), sketch);
    }

    Rollup plus(Rollup other) {
        LatencySketch sum = new LatencySketch();
        sum.add(latency);
        sum.add(other.latency);
        return new Rollup(check, tally.plus(other.tally), sum);
    }
}
