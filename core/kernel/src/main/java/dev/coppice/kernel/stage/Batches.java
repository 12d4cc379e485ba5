package dev.coppice.kernel.stage;

import dev.coppice.kernel.Kernel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** One life of a batcher. */
final class Batches {
    private final Kernel kernel;
    private final int size;
    private final Duration maxWait;
    private final Function<Object, Object> key;
    private final Junction input;
    private final Junction.Slot slot;
    private final long life;
    private final Junction output;
    /** Oldest first. */
    private final Map<Object, Open> open = new LinkedHashMap<>();

    private record Open(List<Envelope> envelopes, long dueNanos) {}

    Batches(
            Kernel kernel,
            int size,
            Duration maxWait,
            Function<Object, Object> key,
            Junction input,
            Junction.Slot slot,
            long life,
            Junction output) {
        this.kernel = kernel;
        this.size = size;
        this.maxWait = maxWait;
        this.key = key;
        this.input = input;
        this.slot = slot;
        this.life = life;
        this.output = output;
    }

    void run() throws InterruptedException {
        while (true) {
            long due = open.isEmpty()
                    ? Long.MAX_VALUE
                    : open.values().iterator().next().dueNanos();
            Envelope next = input.take(slot, life, due);
            if (next != null) {
                Object own = key.apply(next.value());
                Open batch = open.computeIfAbsent(
                        own, _ -> new Open(new ArrayList<>(), kernel.clock().nanoTime() + maxWait.toNanos()));
                batch.envelopes().add(next);
                if (batch.envelopes().size() == size) {
                    close(own);
                }
            } else if (open.isEmpty()) {
                return;
            } else {
                // Its time is over, the end has come, or the demand is used up: the oldest goes first.
                close(open.keySet().iterator().next());
            }
        }
    }

    private void close(Object own) throws InterruptedException {
        Open batch = open.get(own);
        if (batch == null) {
            return;
        }
        List<Object> values = batch.envelopes().stream().map(Envelope::value).toList();
        List<Ticket> tickets = batch.envelopes().stream()
                .flatMap(each -> each.tickets().stream())
                .toList();
        int reserved = output.reserve(1);
        output.deliver(
                reserved,
                List.of(new Envelope(values, tickets, 1, kernel.clock().nanoTime())));
        open.remove(own);
        for (Envelope each : batch.envelopes()) {
            if (input.settle(slot, life, List.of(each))) {
                each.settle(null);
            }
        }
    }
}
