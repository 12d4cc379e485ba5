package dev.coppice.kernel.flow;

import dev.coppice.kernel.stage.Completion;
import dev.coppice.kernel.stage.HandOver;
import dev.coppice.kernel.stage.Pipeline;
import dev.coppice.kernel.stage.StageOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The messages of a pipeline, acknowledged there once the flow has dealt with them. For one run. */
final class OutletSource implements Source, HandOver<Object> {
    private static final Handed END = new Handed(new Object(), _ -> {});

    private final BlockingQueue<Handed> queue = new ArrayBlockingQueue<>(CHUNK + 1);
    private final Set<Handed> outstanding = ConcurrentHashMap.newKeySet();
    private volatile @Nullable Throwable closed;

    private static final class Handed {
        final Object message;
        final Completion done;

        Handed(Object message, Completion done) {
            this.message = message;
            this.done = done;
        }
    }

    OutletSource(Pipeline.Outlet<?> outlet, String stage) {
        outlet.handOver(stage, StageOptions.DEFAULT.withDemand(CHUNK), this);
    }

    @Override
    public void take(Object message, Completion done) throws Exception {
        Handed handed = new Handed(message, done);
        outstanding.add(handed);
        queue.put(handed);
        Throwable why = closed;
        if (why != null && outstanding.remove(handed)) {
            throw new IllegalStateException("the flow is over", why);
        }
    }

    @Override
    public void end() throws InterruptedException {
        if (closed == null) {
            queue.put(END);
        }
    }

    @Override
    public boolean isAcknowledged() {
        return true;
    }

    @Override
    public Reading open(int stages) {
        return new Reading() {
            @Override
            public @Nullable Part next() throws InterruptedException {
                List<Handed> taken = new ArrayList<>();
                taken.add(queue.take());
                queue.drainTo(taken, CHUNK - 1);
                if (taken.getLast() == END) {
                    taken.removeLast();
                    queue.put(END);
                }
                return taken.isEmpty() ? null : new HandedPart(taken);
            }

            @Override
            public void close(@Nullable Throwable failure) {
                shut(failure == null ? new IllegalStateException("the flow ended") : failure);
            }
        };
    }

    private void shut(Throwable why) {
        closed = why;
        queue.clear();
        for (Handed each : outstanding) {
            if (outstanding.remove(each)) {
                each.done.settle(why);
            }
        }
    }

    private final class HandedPart implements Part {
        private final List<Handed> handed;

        HandedPart(List<Handed> handed) {
            this.handed = handed;
        }

        @Override
        public void forEach(Taker taker) throws Exception {
            for (Handed each : handed) {
                taker.take(each.message);
            }
        }

        @Override
        public void settled(@Nullable Throwable failure) {
            for (Handed each : handed) {
                if (outstanding.remove(each)) {
                    each.done.settle(failure);
                }
            }
        }
    }
}
