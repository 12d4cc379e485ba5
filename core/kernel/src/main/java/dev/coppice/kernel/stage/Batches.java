package dev.coppice.kernel.stage;

import dev.coppice.kernel.Kernel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** One life of a batcher. What it holds is unsettled until its batch is handed over, so that its next life gets it again. */
final class Batches {
    private static final int MAX_TAKEN = 256;

    private final Kernel kernel;
    private final Stage stage;
    private final int size;
    private final Duration maxWait;
    private final Function<Object, Object> key;
    private final Junction input;
    private final Lane.Slot slot;
    private final long life;
    private final Junction output;
    /** Oldest first. */
    private final Map<Object, Open> open = new LinkedHashMap<>();

    private record Open(List<Envelope> envelopes, long dueNanos) {}

    Batches(
            Kernel kernel,
            Stage stage,
            int size,
            Duration maxWait,
            Function<Object, Object> key,
            Junction input,
            Lane.Slot slot,
            long life,
            Junction output) {
        this.kernel = kernel;
        this.stage = stage;
        this.size = size;
        this.maxWait = maxWait;
        this.key = key;
        this.input = input;
        this.slot = slot;
        this.life = life;
        this.output = output;
    }

    void run() throws InterruptedException {
        List<Envelope> taken = new ArrayList<>();
        while (true) {
            Open oldest = open.isEmpty() ? null : open.values().iterator().next();
            long due = oldest == null ? Long.MAX_VALUE : oldest.dueNanos();
            if (oldest != null && due <= kernel.clock().nanoTime()) {
                closeOldest();
                continue;
            }
            taken.clear();
            switch (input.take(slot, life, Math.min(size, MAX_TAKEN), due, taken)) {
                case MESSAGES -> {
                    for (Envelope each : taken) {
                        add(each);
                    }
                }
                case END -> {
                    while (!open.isEmpty()) {
                        closeOldest();
                    }
                    slot.unfinished.awaitNone();
                    return;
                }
                case LATE, STARVED -> closeOldest();
            }
        }
    }

    private void add(Envelope envelope) throws InterruptedException {
        Object own;
        try {
            own = key.apply(envelope.value);
        } catch (RuntimeException e) {
            stage.bury(envelope.value, 1, e);
            settle(List.of(envelope), e);
            return;
        }
        Open batch = open.computeIfAbsent(
                own, _ -> new Open(new ArrayList<>(), kernel.clock().nanoTime() + maxWait.toNanos()));
        batch.envelopes().add(envelope);
        if (batch.envelopes().size() == size) {
            close(batch);
            open.remove(own);
        }
    }

    private void closeOldest() throws InterruptedException {
        var oldest = open.entrySet().iterator().next();
        close(oldest.getValue());
        open.remove(oldest.getKey());
    }

    private void close(Open batch) throws InterruptedException {
        if (!stage.limiter().tryTake()) {
            stage.limiter().take(1);
        }
        List<Object> values = new ArrayList<>(batch.envelopes().size());
        Claim[] claims = new Claim[batch.envelopes().size()];
        for (Envelope each : batch.envelopes()) {
            claims[values.size()] = each.claim;
            values.add(each.value);
        }
        slot.unfinished.begin();
        try {
            if (slot.life != life) {
                throw new InterruptedException("this worker was replaced");
            }
            output.send(List.of(new Envelope(Collections.unmodifiableList(values), new Claim.Joint(claims), true, 0)));
            settle(batch.envelopes(), null);
        } finally {
            slot.unfinished.end();
        }
    }

    private void settle(List<Envelope> envelopes, @Nullable Throwable failure) {
        slot.unfinished.begin();
        try {
            if (input.settle(slot, life, envelopes)) {
                envelopes.forEach(each -> each.claim.settle(failure));
            }
        } finally {
            slot.unfinished.end();
        }
    }
}
