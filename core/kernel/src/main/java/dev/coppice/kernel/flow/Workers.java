package dev.coppice.kernel.flow;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.stage.Processor;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;

/** Makes the workers of one stage of a flow. What a worker has reduced dies with it, so a second life fails the flow. */
final class Workers<O> {
    private final FlowRun<?> run;
    private final Kernel kernel;
    private final List<Progress> sources;
    private final List<Plan.Step> steps;
    private final int stages;
    private final Function<Context, Link> last;
    private final AtomicInteger lives = new AtomicInteger();

    Workers(
            FlowRun<?> run,
            Kernel kernel,
            List<Progress> sources,
            List<Plan.Step> steps,
            int stages,
            Function<Context, Link> last) {
        this.run = run;
        this.kernel = kernel;
        this.sources = sources;
        this.steps = steps;
        this.stages = stages;
        this.last = last;
    }

    Processor<Context.Message, O> get() {
        int life = lives.getAndIncrement();
        if (life >= stages) {
            run.fail(new IllegalStateException("a worker of the flow " + run.name() + " died"));
            return (_, _) -> {};
        }
        Context context = new Context(kernel, life, sources);
        Link head = last.apply(context);
        for (Plan.Step step : steps.reversed()) {
            head = step.link(context, head);
        }
        return new Chain<>(run, context, head);
    }

    /** The steps of one worker. */
    private record Chain<O>(FlowRun<?> run, Context context, Link head) implements Processor<Context.Message, O> {
        private interface Call {
            void run() throws Exception;
        }

        @Override
        public void process(Context.Message message, Consumer<? super O> out) {
            guarded(out, () -> {
                switch (message) {
                    case Context.Split(int source, long part, var items) -> {
                        context.source = source;
                        context.part = part;
                        items.forEach(head::accept);
                    }
                    case Context.Chunk chunk -> {
                        context.source = chunk.source();
                        context.part = chunk.part();
                        for (int i = 0; i < chunk.size(); i++) {
                            head.accept(chunk.items()[i]);
                        }
                    }
                }
                head.pause();
            });
            if (run.isFailed()) {
                throw new IllegalStateException("the flow " + run.name() + " failed");
            }
        }

        @Override
        public void tick(Consumer<? super O> out) {
            guarded(out, head::pause);
        }

        @Override
        public void end(Consumer<? super O> out) {
            guarded(out, head::end);
        }

        /** A failure ends the flow at once, not the worker again and again. */
        @SuppressWarnings({"CatchingUnchecked", "unchecked"})
        private void guarded(Consumer<? super O> out, Call call) {
            if (run.isOver()) {
                return;
            }
            context.out = (Consumer<? super Context.Message>) out;
            try {
                call.run();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                run.fail(e);
            } catch (Throwable t) {
                run.fail(t);
            }
        }
    }
}
