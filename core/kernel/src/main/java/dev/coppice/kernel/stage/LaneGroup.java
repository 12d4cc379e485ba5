package dev.coppice.kernel.stage;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Lanes with the stages that take from them. Guarded by the lock of its junction. */
final class LaneGroup {
    final List<Stage> to = new ArrayList<>();
    final List<Lane> lanes = new ArrayList<>();
    final Traffic traffic;

    LaneGroup(long nowNanos) {
        traffic = new Traffic(nowNanos);
    }

    /** What it looks like now. */
    Edge edge(String pipeline, String from, long nowNanos) {
        long capacity = 0;
        long queued = 0;
        long held = 0;
        for (Lane lane : lanes) {
            capacity += lane.capacity;
            queued += lane.queue.size();
            held += lane.held;
        }
        return new Edge(
                pipeline,
                from,
                to.stream().map(Stage::name).toList(),
                lanes.stream().mapToInt(lane -> lane.slots).sum(),
                capacity,
                queued,
                held,
                traffic.messages,
                traffic.perSecond(nowNanos),
                traffic.meanWait(nowNanos),
                Duration.ofNanos(traffic.waitNanos),
                to.stream().mapToLong(Stage::failures).sum(),
                to.stream().mapToLong(Stage::retries).sum(),
                to.stream().mapToLong(Stage::restarts).sum());
    }
}
