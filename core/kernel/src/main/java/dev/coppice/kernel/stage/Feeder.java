package dev.coppice.kernel.stage;

import dev.coppice.kernel.TimeSlice;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** One life of a worker that produces. */
final class Feeder {
    private final Pipeline pipeline;
    private final Stage stage;
    private final Producer<?> producer;
    private final BiConsumer<Object, @Nullable Throwable> acknowledger;
    private final Junction output;
    private final Lane.Writer writer;
    private final long life;
    private final Thread thread = Thread.currentThread();
    private volatile boolean finishing;

    Feeder(
            Pipeline pipeline,
            Stage stage,
            Producer<?> producer,
            BiConsumer<Object, @Nullable Throwable> acknowledger,
            Junction output,
            Lane.Writer writer,
            long life) {
        this.pipeline = pipeline;
        this.stage = stage;
        this.producer = producer;
        this.acknowledger = acknowledger;
        this.output = output;
        this.writer = writer;
        this.life = life;
    }

    /** Called by another thread. */
    void drain() {
        if (producer.drain()) {
            finishing = true;
        } else {
            thread.interrupt();
        }
    }

    void run() throws Exception {
        try {
            if (producer instanceof Inlet<?> inlet) {
                inlet.reopen();
            }
            boolean more = true;
            TimeSlice slice = new TimeSlice();
            while (more && writer.life == life && (finishing || !pipeline.isDraining())) {
                slice.giveWay();
                more = pump();
            }
        } finally {
            producer.close();
        }
    }

    /** Waits for former lives, unless there is a newer one. */
    void awaitFormer() throws InterruptedException {
        if (writer.life == life) {
            writer.unfinished.awaitNone();
        }
    }

    private boolean pump() throws Exception {
        writer.unfinished.begin();
        try {
            return produce();
        } finally {
            writer.unfinished.end();
        }
    }

    private boolean produce() throws Exception {
        List<Envelope> envelopes = List.of();
        int demand = output.reserve(writer, life, stage.options().maxDemand());
        RateLimiter.Leave leave = RateLimiter.Leave.NONE;
        try {
            leave = stage.limiter().take(demand);
            List<?> produced = producer.produce(leave.messages());
            if (produced.size() > leave.messages()) {
                throw new IllegalStateException("producer " + stage.name() + " gave " + produced.size()
                        + " messages where " + leave.messages() + " were asked for");
            }
            envelopes = new ArrayList<>(produced.size());
            for (Object message : produced) {
                envelopes.add(new Envelope(message, new Claim.Ticket(acknowledger, message)));
            }
            return !envelopes.isEmpty();
        } finally {
            stage.limiter().settle(leave, envelopes.size());
            output.deliver(writer, life, envelopes);
        }
    }
}
