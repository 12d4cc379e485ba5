package dev.coppice.kernel.flow;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.stage.Processor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Makes the workers of one stage of a flow. What a worker has reduced dies with it, so a second life fails the flow. */
final class Workers<O> {
    private final FlowRun<?> run;
    private final Kernel kernel;
    private final FlowRun.Ready before;
    private final Function<Context, Link> last;
    private final List<@Nullable Watermark> watermarks = new ArrayList<>();
    private final AtomicInteger lives = new AtomicInteger();

    Workers(FlowRun<?> run, Kernel kernel, List<Progress> sources, FlowRun.Ready before, Function<Context, Link> last) {
        this.run = run;
        this.kernel = kernel;
        this.before = before;
        this.last = last;
        // One for all workers, for each step that follows the sources themselves.
        for (Plan.Step step : before.steps()) {
            boolean follows = step.followsProgress() && !keeps(watermarks.size());
            watermarks.add(follows ? new Watermark(sources, before.sources()) : null);
        }
    }

    Processor<Context.Message, O> get() {
        int life = lives.getAndIncrement();
        if (life >= before.stages()) {
            run.fail(new IllegalStateException("a worker of the flow " + run.name() + " died"));
            return (_, _) -> {};
        }
        Context context = new Context(kernel, life, before.channels());
        Link head = last.apply(context);
        for (int i = before.steps().size() - 1; i >= 0; i--) {
            Plan.Step step = before.steps().get(i);
            context.watermark = watermarks.get(i);
            if (step.keepsItems() && !step.followsProgress()) {
                head = Steps.holdingBack(context, head);
            }
            head = step.link(context, head);
        }
        return new Chain<>(run, context, head);
    }

    /** Whether one of the first steps keeps items. */
    private boolean keeps(int steps) {
        return before.steps().subList(0, steps).stream().anyMatch(Plan.Step::keepsItems);
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
                    case Context.Mark mark -> context.marked(mark);
                }
                pause();
            });
            if (run.isFailed()) {
                throw new IllegalStateException("the flow " + run.name() + " failed");
            }
        }

        @Override
        public void tick(Consumer<? super O> out) {
            guarded(out, this::pause);
        }

        private void pause() throws Exception {
            context.markMillis = context.leastMark();
            head.pause();
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
