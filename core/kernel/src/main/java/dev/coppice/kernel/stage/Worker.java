package dev.coppice.kernel.stage;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.TimeSlice;
import java.time.Duration;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One life of a worker that deals with messages. While these take microseconds it takes many at a time, so that the locks at
 * both ends cost little; slow ones it takes one by one, so that none waits behind another while a sibling is idle.
 */
final class Worker implements Consumer<Object> {
    private static final int MAX_DEATHS = 3;
    private static final int MAX_BULK = 256;
    private static final int MAX_MADE = 1_000;
    private static final int LOOK_EVERY = 8;
    private static final long QUICK_NANOS = 250_000;
    private static final long SLOW_NANOS = 1_000_000;

    private final Kernel kernel;
    private final Stage stage;
    private final Handler handler;
    private final Junction input;
    private final Lane.Slot slot;
    private final long life;
    private final @Nullable Junction output;
    private final List<Envelope> bulk = new ArrayList<>();
    private final List<Envelope> done = new ArrayList<>();
    private final Map<Claim, Throwable> failures = new IdentityHashMap<>();
    private List<Envelope> made = new ArrayList<>();
    private Claim claim = Claim.NONE;
    private int attemptFrom;
    private int limit = 1;

    Worker(Kernel kernel, Stage stage, Handler handler, Junction input, Lane.Slot slot, long life) {
        this.kernel = kernel;
        this.stage = stage;
        this.handler = handler;
        this.input = input;
        this.slot = slot;
        this.life = life;
        this.output = stage.out();
    }

    void run() throws Exception {
        long nextTick = nextTick();
        try {
            TimeSlice slice = new TimeSlice();
            while (true) {
                slice.giveWay();
                Junction.Taken taken = input.take(slot, life, limit, nextTick, bulk);
                if (taken == Junction.Taken.MESSAGES) {
                    handleBulk();
                } else if (taken == Junction.Taken.END) {
                    break;
                }
                if (nextTick != Long.MAX_VALUE && kernel.clock().nanoTime() >= nextTick) {
                    claim = Claim.NONE;
                    handler.tick(this);
                    sendMade();
                    nextTick = nextTick();
                }
            }
            claim = Claim.NONE;
            handler.end(this);
            sendMade();
            slot.unfinished.awaitNone();
        } catch (Interruption e) {
            throw e.cause;
        }
    }

    private long nextTick() {
        var tick = stage.options().tick();
        return tick == null ? Long.MAX_VALUE : kernel.clock().nanoTime() + tick.toNanos();
    }

    private void handleBulk() throws InterruptedException {
        // The real time: how long it takes decides how many it takes, whatever the kernel's clock shows.
        long start = System.nanoTime();
        int size = bulk.size();
        for (int at = 0; at < size; at++) {
            if (at % LOOK_EVERY == LOOK_EVERY - 1 && System.nanoTime() - start > SLOW_NANOS) {
                input.giveBack(slot, life, new ArrayList<>(bulk.subList(at, size)));
                size = at;
                break;
            }
            Envelope in = bulk.get(at);
            slot.current.setRelease(in);
            handle(in);
            slot.current.setRelease(null);
        }
        flush();
        bulk.clear();
        long took = System.nanoTime() - start;
        if (took < QUICK_NANOS) {
            limit = Math.min(Math.min(limit * 2, MAX_BULK), stage.options().maxDemand());
        } else if (took > SLOW_NANOS) {
            limit = (int) Math.max(1, size * SLOW_NANOS / took);
        }
    }

    private void handle(Envelope first) throws InterruptedException {
        if (first.deaths >= MAX_DEATHS) {
            giveUp(
                    first,
                    first.deaths,
                    new IllegalStateException("its worker died " + first.deaths + " times over it"));
            done.add(first);
            return;
        }
        Envelope in = first;
        for (int attempt = 1; in != null; attempt++) {
            awaitTurn();
            in = attempt(in, attempt);
        }
        done.add(first);
    }

    private void awaitTurn() throws InterruptedException {
        if (!stage.limiter().tryTake()) {
            flush();
            stage.limiter().take(1);
        }
    }

    /** Tries once; gives what has to be tried again. */
    private @Nullable Envelope attempt(Envelope in, int attempt) throws InterruptedException {
        claim = in.claim;
        attemptFrom = made.size();
        Exception failure;
        try {
            handler.handle(in, this);
            return null;
        } catch (InterruptedException e) {
            throw e;
        } catch (Interruption e) {
            throw e.cause;
        } catch (PartialFailureException e) {
            failure = e;
        } catch (Exception e) {
            failure = e;
            made.subList(attemptFrom, made.size()).clear();
        }
        if (attempt >= stage.options().attempts()) {
            giveUp(in, attempt, failure);
            return null;
        }
        stage.retried();
        flush();
        Duration pause = stage.options().backoff().delay(attempt, kernel.random());
        if (pause.isPositive()) {
            kernel.timers().sleep(pause);
        }
        return failure instanceof PartialFailureException partial ? failed(in, partial) : in;
    }

    /** The part of a batch that has to be tried again. */
    private static Envelope failed(Envelope in, PartialFailureException partial) {
        if (!(in.batch && in.claim instanceof Claim.Joint(Claim[] each) && in.value instanceof List<?> values)) {
            return in;
        }
        List<Object> left = new ArrayList<>();
        List<Claim> claims = new ArrayList<>();
        for (int i = 0; i < each.length; i++) {
            if (partial.failures().containsKey(i)) {
                left.add(values.get(i));
                claims.add(each[i]);
            }
        }
        return left.isEmpty() ? in : new Envelope(left, new Claim.Joint(claims.toArray(Claim[]::new)), true, in.deaths);
    }

    private void giveUp(Envelope in, int attempts, Exception failure) {
        if (!(in.batch && in.claim instanceof Claim.Joint(Claim[] each) && in.value instanceof List<?> values)) {
            stage.bury(in.value, attempts, failure);
            failures.put(in.claim, failure);
            return;
        }
        for (int i = 0; i < each.length; i++) {
            Throwable why = failure instanceof PartialFailureException partial
                    ? partial.failures().get(i)
                    : failure;
            if (why != null) {
                stage.bury(values.get(i), attempts, why);
                failures.put(each[i], why);
            }
        }
    }

    @Override
    public void accept(Object value) {
        made.add(new Envelope(value, claim));
        if (made.size() > MAX_MADE) {
            try {
                sendMade();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new Interruption(e);
            }
        }
    }

    private void flush() throws InterruptedException {
        sendMade();
        if (done.isEmpty()) {
            return;
        }
        slot.unfinished.begin();
        try {
            if (input.settle(slot, life, done)) {
                for (Envelope each : done) {
                    settle(each);
                }
            }
        } finally {
            slot.unfinished.end();
        }
        done.clear();
        failures.clear();
    }

    private void settle(Envelope envelope) {
        if (failures.isEmpty()) {
            envelope.claim.settle(null);
        } else if (envelope.batch && envelope.claim instanceof Claim.Joint(Claim[] each)) {
            for (Claim part : each) {
                part.settle(failures.get(part));
            }
        } else {
            envelope.claim.settle(failures.get(envelope.claim));
        }
    }

    private void sendMade() throws InterruptedException {
        if (made.isEmpty()) {
            return;
        }
        if (output == null) {
            throw new IllegalStateException("stage " + stage.name() + " gives messages, but is the last one");
        }
        List<Envelope> out = made;
        made = new ArrayList<>();
        attemptFrom = 0;
        slot.unfinished.begin();
        try {
            if (slot.life != life) {
                throw new InterruptedException("this worker was replaced");
            }
            output.send(out);
        } finally {
            slot.unfinished.end();
        }
    }

    /** An interruption on its way through a processor. */
    private static final class Interruption extends RuntimeException {
        private static final long serialVersionUID = 1;
        private final transient InterruptedException cause;

        Interruption(InterruptedException cause) {
            super(cause);
            this.cause = cause;
        }
    }
}
