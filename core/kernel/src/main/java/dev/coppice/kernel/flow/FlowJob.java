package dev.coppice.kernel.flow;

import dev.coppice.kernel.Kernel;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import java.util.stream.Collector;
import java.util.stream.Collectors;

/** A flow with an ending, ready to run any number of times. Immutable. */
public final class FlowJob<R> {
    private final Plan plan;
    private final String name;
    private final Collector<Object, Object, R> collector;

    FlowJob(Plan plan, String name, Collector<Object, Object, R> collector) {
        this.plan = plan;
        this.name = name;
        this.collector = collector;
    }

    <U> FlowJob<U> then(Function<R, U> function) {
        return new FlowJob<>(plan, name, Collectors.collectingAndThen(collector, function));
    }

    /**
     * Runs it below {@code /flows} and waits for its result. When the caller is interrupted, it is cancelled.
     *
     * @throws ExecutionException with the cause, when a step failed or a worker died
     */
    public R run(Kernel kernel) throws InterruptedException, ExecutionException {
        FlowRun<R> run = start(kernel);
        try {
            return run.await();
        } finally {
            run.cancel();
        }
    }

    /** Starts it below {@code /flows}. */
    public FlowRun<R> start(Kernel kernel) {
        FlowRun<R> run = new FlowRun<>(kernel, name, plan, collector);
        run.start();
        return run;
    }
}
