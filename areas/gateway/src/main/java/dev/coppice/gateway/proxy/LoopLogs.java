package dev.coppice.gateway.proxy;

import dev.coppice.gateway.log.LogClock;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** The lines of one event loop that were not handed over yet, of all access logs. Used on that loop only. */
final class LoopLogs {
    private final LogClock clock;
    private final SplittableRandom random;
    private final List<AccessLog.Lines> all = new ArrayList<>();

    LoopLogs(LogClock clock, SplittableRandom random) {
        this.clock = clock;
        this.random = random;
    }

    void add(List<AccessLog> logs, Reported request) {
        for (int i = 0; i < logs.size(); i++) {
            lines(logs.get(i)).add(request, random);
        }
    }

    private AccessLog.Lines lines(AccessLog log) {
        for (int i = 0; i < all.size(); i++) {
            if (all.get(i).of(log)) {
                return all.get(i);
            }
        }
        AccessLog.Lines made = log.lines(clock);
        all.add(made);
        return made;
    }

    /** Hands over what there is. */
    void flush() {
        all.forEach(AccessLog.Lines::flush);
    }

    /** Logs may be gone; those that are still there come again. */
    void configChanged() {
        flush();
        all.clear();
    }
}
