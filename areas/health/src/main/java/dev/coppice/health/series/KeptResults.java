package dev.coppice.health.series;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;

/** The part of a {@link SeriesStore} that is in memory. Everything in it is read and changed under its lock. */
final class KeptResults {
    final ReentrantLock lock = new ReentrantLock();
    /** Sums of the last hours that are over, by hour. */
    final TreeMap<Long, RollupFile.Table> hours = new TreeMap<>();
    /** Sums of the days that are over, by day. */
    final TreeMap<Long, RollupFile.Table> days = new TreeMap<>();
    /** Hours that are over, and are not yet in their files; oldest first. */
    final List<HourBuffer> unsealed = new ArrayList<>();
    /** The hour that runs. */
    HourBuffer current;
    /** The hour before it. */
    HourBuffer previous;

    KeptResults(long hour) {
        this.current = new HourBuffer(hour);
        this.previous = new HourBuffer(hour - 1);
    }
}
