package dev.coppice.kernel.stage;

import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** A stage, with its workers over all their lives. */
final class Stage {
    private final Pipeline pipeline;
    private final String name;
    private final StageOptions options;
    private final RateLimiter limiter;
    private final @Nullable Junction input;
    private final LongAdder failures = new LongAdder();
    private final LongAdder retries = new LongAdder();
    private final List<Place> places = new ArrayList<>();
    private @Nullable Junction out;

    Stage(
            Kernel kernel,
            Pipeline pipeline,
            String name,
            StageOptions options,
            @Nullable Junction input,
            @Nullable Junction out) {
        this.pipeline = pipeline;
        this.name = name;
        this.options = options;
        this.limiter = new RateLimiter(kernel, options.rate());
        this.input = input;
        this.out = out;
        if (out != null) {
            out.addWriters(options.concurrency());
        }
    }

    /** To be asked with the lock held that the lives of a worker begin under. */
    static void refuseKilled() throws InterruptedException {
        if (Thread.currentThread().isInterrupted()) {
            throw new InterruptedException("this life was killed before it began");
        }
    }

    /** A life of a worker. */
    @FunctionalInterface
    interface Body {
        void run(Runnable begun) throws Exception;
    }

    void addWorker(Body body) {
        places.add(new Place(body));
    }

    String name() {
        return name;
    }

    StageOptions options() {
        return options;
    }

    RateLimiter limiter() {
        return limiter;
    }

    @Nullable
    Junction input() {
        return input;
    }

    @Nullable
    Junction out() {
        return out;
    }

    /** Gives its messages into another junction, before the start. */
    void redirect(Junction other) {
        out = other;
    }

    List<ChildSpec> workers() {
        List<ChildSpec> specs = new ArrayList<>();
        for (int i = 0; i < places.size(); i++) {
            Place place = places.get(i);
            specs.add(ChildSpec.task(name + "-" + i, place::live).withRestart(ChildSpec.Restart.TRANSIENT));
        }
        return specs;
    }

    /** Workers that are not done. */
    int unfinished() {
        int count = 0;
        for (Place place : places) {
            count += place.isFinished() ? 0 : 1;
        }
        return count;
    }

    /** Its supervisor starts, perhaps again: those that a drain ended may run again. */
    void reopen() {
        places.forEach(Place::reopen);
    }

    void bury(Object message, int attempts, Throwable cause) {
        failures.increment();
        pipeline.bury(new DeadLetter(name, message, attempts, cause));
    }

    void retried() {
        retries.increment();
    }

    long failures() {
        return failures.sum();
    }

    long retries() {
        return retries.sum();
    }

    long restarts() {
        long sum = 0;
        for (Place place : places) {
            sum += place.restarts();
        }
        return sum;
    }

    /** What is known of a worker over its lives; a killed life may still be running while the next one is. Guarded by itself. */
    private final class Place {
        private final Body body;
        private int current;
        private int opened;
        private boolean broken;
        private boolean finished;
        private boolean drained;

        Place(Body body) {
            this.body = body;
        }

        void live() throws Exception {
            int own;
            synchronized (this) {
                // A life that was killed before it came here may come after the next one: it must not count as newer.
                refuseKilled();
                if (finished) {
                    return;
                }
                own = ++current;
            }
            boolean ended = false;
            try {
                body.run(() -> mark(own, false));
                ended = true;
            } finally {
                if (!ended) {
                    mark(own, true);
                }
            }
            synchronized (this) {
                if (current != own || finished) {
                    return;
                }
                finished = true;
                drained = pipeline.isDraining();
            }
            if (out != null) {
                out.writerEnded();
            }
            pipeline.workerEnded();
        }

        private void mark(int own, boolean isBroken) {
            synchronized (this) {
                if (current != own || broken == isBroken) {
                    return;
                }
                broken = isBroken;
            }
            pipeline.workerBroken(isBroken);
        }

        synchronized boolean isFinished() {
            return finished;
        }

        synchronized long restarts() {
            return Math.max(0, current - opened - 1);
        }

        synchronized void reopen() {
            broken = false;
            if (drained) {
                finished = false;
                drained = false;
                opened++;
            }
        }
    }
}
