package dev.coppice.acceptance.fault;

import dev.coppice.store.api.CompactionRequest;
import dev.coppice.store.api.DefragmentRequest;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.time.Duration;
import java.util.Random;
import java.util.Set;
import java.util.function.LongSupplier;

/** Carries faults out. */
final class Nemesis {
    private final Rig rig;
    private final LongSupplier compactable;

    /** @param compactable the newest revision up to which nobody needs the history any more */
    Nemesis(Rig rig, LongSupplier compactable) {
        this.rig = rig;
        this.compactable = compactable;
    }

    /** @return what was done, for people */
    String begin(Fault fault) throws IOException, InterruptedException {
        return switch (fault) {
            case Fault.Kill kill -> kill(kill.nodes());
            case Fault.PowerFailure power -> {
                String lost = kill(power.nodes());
                Random random = new Random(power.seed());
                StringBuilder told = new StringBuilder(lost);
                for (int each : power.nodes().stream().sorted().toList()) {
                    told.append(" n").append(each).append(rig.node(each).disk().losePower(random));
                }
                yield told.toString();
            }
            case Fault.TornLog torn ->
                kill(Set.of(torn.node())) + rig.node(torn.node()).disk().tearLog(new Random(torn.seed()));
            case Fault.Restart restart -> {
                rig.node(restart.node()).stop();
                yield "";
            }
            case Fault.Pause pause -> signal(pause.nodes(), "STOP");
            case Fault.Partition partition -> partition(partition.side());
            case Fault.OneWay way -> oneWay(way);
            case Fault.Bridge bridge -> bridge(bridge);
            case Fault.Loss loss -> {
                for (RigNode each : rig.nodes()) {
                    rig.network().lose(each.number(), loss.probability());
                }
                yield "";
            }
            case Fault.Delay delay -> {
                rig.delay(delay.leastMillis(), delay.mostMillis(), delay.seed());
                yield "";
            }
            case Fault.ClockJump jump -> {
                rig.node(jump.node()).shiftClock(jump.offset());
                yield "";
            }
            case Fault.DiskFull full -> {
                rig.node(full.node()).disk().fill();
                yield "";
            }
            case Fault.SyncError error -> {
                rig.node(error.node()).disk().failSyncs();
                yield "";
            }
            case Fault.SlowDisk slow -> {
                rig.node(slow.node()).disk().slowSyncs(slow.millis());
                yield "";
            }
            case Fault.Compact compact -> compact(compact);
            case Fault.Defragment defragment -> defragment(defragment);
        };
    }

    /** Takes a fault back. */
    void end(Fault fault) throws IOException, InterruptedException {
        switch (fault) {
            case Fault.Kill kill -> start(kill.nodes());
            case Fault.PowerFailure power -> start(power.nodes());
            case Fault.TornLog torn -> start(Set.of(torn.node()));
            case Fault.Restart restart -> start(Set.of(restart.node()));
            case Fault.Pause pause -> {
                var unused = signal(pause.nodes(), "CONT");
            }
            case Fault.Partition _, Fault.OneWay _, Fault.Bridge _, Fault.Loss _, Fault.Delay _ -> rig.reconnect();
            case Fault.ClockJump jump -> rig.node(jump.node()).shiftClock(Duration.ZERO);
            case Fault.DiskFull full -> rig.node(full.node()).disk().heal();
            case Fault.SyncError error -> {
                RigNode node = rig.node(error.node());
                node.disk().heal();
                // A log that failed to sync once is not trusted again: the node has to be started anew.
                node.kill();
                node.start();
            }
            case Fault.SlowDisk slow -> rig.node(slow.node()).disk().heal();
            case Fault.Compact _ -> {}
            case Fault.Defragment defragment -> start(Set.of(defragment.node()));
        }
    }

    private String kill(Set<Integer> nodes) throws InterruptedException {
        for (int each : nodes) {
            rig.node(each).kill();
        }
        return "";
    }

    private void start(Set<Integer> nodes) throws IOException {
        for (int each : nodes) {
            if (!rig.node(each).running()) {
                rig.node(each).start();
            }
        }
    }

    private String signal(Set<Integer> nodes, String signal) throws IOException, InterruptedException {
        for (int each : nodes) {
            rig.node(each).signal(signal);
        }
        return "";
    }

    private void cutBoth(int one, int other) throws IOException, InterruptedException {
        rig.network().cut(one, other);
        rig.network().cut(other, one);
    }

    private String partition(Set<Integer> side) throws IOException, InterruptedException {
        for (int one : side) {
            for (RigNode other : rig.nodes()) {
                if (!side.contains(other.number())) {
                    cutBoth(one, other.number());
                }
            }
        }
        return "";
    }

    private String oneWay(Fault.OneWay way) throws IOException, InterruptedException {
        for (RigNode other : rig.nodes()) {
            if (other.number() != way.node()) {
                int from = way.mute() ? way.node() : other.number();
                rig.network().cut(from, way.mute() ? other.number() : way.node());
            }
        }
        return "";
    }

    private String bridge(Fault.Bridge bridge) throws IOException, InterruptedException {
        for (RigNode one : rig.nodes()) {
            for (int other : bridge.side()) {
                boolean third = one.number() != bridge.node() && !bridge.side().contains(one.number());
                if (third) {
                    cutBoth(one.number(), other);
                }
            }
        }
        return "";
    }

    private String compact(Fault.Compact compact) {
        long revision = compactable.getAsLong() - compact.kept();
        if (revision < 1) {
            return "nothing to compact yet";
        }
        try {
            var unused = rig.client(compact.node())
                    .kv()
                    .compact(CompactionRequest.newBuilder()
                            .setRevision(revision)
                            .setPhysical(true)
                            .build());
            return "compacted to " + revision;
        } catch (StatusRuntimeException e) {
            return "not compacted: " + e.getStatus().getDescription();
        }
    }

    private String defragment(Fault.Defragment defragment) throws InterruptedException {
        Thread call = Thread.ofVirtual().start(() -> {
            try {
                var unused = rig.client(defragment.node())
                        .maintenance(Duration.ofSeconds(20))
                        .defragment(DefragmentRequest.getDefaultInstance());
            } catch (StatusRuntimeException e) {
                // It was killed meanwhile, or has no leader.
                return;
            }
        });
        if (!defragment.kill()) {
            call.join();
            return "";
        }
        Load.pause(20);
        return kill(Set.of(defragment.node()));
    }
}
