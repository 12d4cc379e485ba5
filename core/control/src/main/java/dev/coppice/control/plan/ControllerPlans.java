package dev.coppice.control.plan;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Controller;
import dev.coppice.control.Kind;
import dev.coppice.control.Reconciler;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.runtime.RecordInformer;
import dev.coppice.kernel.Kernel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Asks the controllers of this process what they would do about a change ({@link Reconciler#plan}). Each has two seconds; one
 * that fails or hangs is told of, and holds up nothing else. Safe for use by many threads.
 */
public final class ControllerPlans {
    private static final Duration LIMIT = Duration.ofSeconds(2);
    private static final int MOST_HANGING = 4;
    private static final int MOST_ACTIONS = 20;
    private static final int LONGEST_ACTION = 500;

    private final Kernel kernel;
    private final List<Known<?, ?>> known = new CopyOnWriteArrayList<>();

    public ControllerPlans(Kernel kernel) {
        this.kernel = kernel;
    }

    /** A controller that can be asked, and how many of its answers are awaited. */
    private record Known<S extends Record, T extends Record>(Controller<S, T> controller, AtomicInteger busy) {
        List<String> plan(Optional<ObjectNode> before, Optional<ObjectNode> after) throws Exception {
            Kind<S, T> kind = controller.kind();
            return controller
                    .reconciler()
                    .plan(new Reconciler.Planned<>(
                            before.map(tree -> RecordInformer.read(kind, tree)),
                            after.map(tree -> RecordInformer.read(kind, tree))));
        }
    }

    /**
     * What a controller says.
     *
     * @param problem why it said nothing; null when it was asked without one
     */
    public record Said(
            String controller,
            List<String> actions,
            @Nullable String problem) {}

    /** A controller that is asked until this is closed. */
    public interface Registration extends AutoCloseable {
        @Override
        void close();
    }

    /** From now on the controller is asked. */
    public Registration add(Controller<?, ?> controller) {
        Known<?, ?> added = new Known<>(controller, new AtomicInteger());
        known.add(added);
        return () -> known.remove(added);
    }

    /** The version in which the controllers of a type want its objects; empty when it has none. */
    Optional<ResourceType> wanted(ResourceType type) {
        return known.stream()
                .map(each -> each.controller().kind().type())
                .filter(each ->
                        each.group().equals(type.group()) && each.plural().equals(type.plural()))
                .findFirst();
    }

    /**
     * Asks all controllers of a type; those that have something to say.
     *
     * @param silent controllers that are not asked; one that hangs is added
     */
    List<Said> ask(ResourceType type, Optional<ObjectNode> before, Optional<ObjectNode> after, Set<String> silent) {
        List<Said> all = new ArrayList<>();
        for (Known<?, ?> each : known) {
            String name = each.controller().name();
            if (each.controller().kind().type().equals(type) && !silent.contains(name)) {
                Said said = ask(each, before, after, silent);
                if (said.problem() != null || !said.actions().isEmpty()) {
                    all.add(said);
                }
            }
        }
        return all;
    }

    private Said ask(Known<?, ?> asked, Optional<ObjectNode> before, Optional<ObjectNode> after, Set<String> silent) {
        String name = asked.controller().name();
        if (asked.busy().get() >= MOST_HANGING) {
            silent.add(name);
            return new Said(name, List.of(), "is still busy with what it was asked before");
        }
        try {
            List<List<String>> answers = kernel.tasks(1).withTimeout(LIMIT).map(List.of(asked), each -> {
                int unused = each.busy().incrementAndGet();
                try {
                    return each.plan(before, after);
                } finally {
                    int left = each.busy().decrementAndGet();
                    assert left >= 0 && unused > 0;
                }
            });
            return new Said(name, bounded(answers.getFirst()), null);
        } catch (TimeoutException e) {
            silent.add(name);
            return new Said(
                    name, List.of(), "did not answer within " + LIMIT.toSeconds() + " s, and is not asked again");
        } catch (ExecutionException e) {
            return new Said(name, List.of(), "failed to say what it would do: " + e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Said(name, List.of(), "was not asked: interrupted");
        }
    }

    private static List<String> bounded(List<String> actions) {
        return actions.stream()
                .limit(MOST_ACTIONS)
                .map(each -> each.length() > LONGEST_ACTION ? each.substring(0, LONGEST_ACTION) + "…" : each)
                .toList();
    }
}
