package dev.coppice.kernel;

import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * How a supervisor starts, restarts and stops one child (OTP: child_spec). Immutable; the with-methods copy.
 *
 * <p>Five sorts of child: a {@linkplain #process process} with a mailbox, a {@linkplain #task task} (a blocking body on a
 * virtual thread of its own), a {@linkplain #service service} (something with start and stop, such as a listener), a
 * {@linkplain #periodic periodic} action, and a {@linkplain #supervisor supervisor}.
 *
 * @param name unique among its siblings; shown in the tree
 * @param restart when to restart it
 * @param shutdown how long it may take to stop before it is killed; null waits for ever, zero kills at once (OTP:
 *     brutal_kill)
 * @param body what it runs
 */
public record ChildSpec(
        String name, Restart restart, @Nullable Duration shutdown, Body body) {

    public ChildSpec {
        if (name.isBlank() || name.indexOf('/') >= 0 || name.indexOf(Children.NUMBER) >= 0) {
            throw new IllegalArgumentException("child name \"" + name + "\" must not be blank, nor contain '/' or '#'");
        }
        if (shutdown != null && shutdown.isNegative()) {
            throw new IllegalArgumentException("shutdown " + shutdown + " of child " + name
                    + " must not be negative: zero kills at once, null waits for ever");
        }
    }

    /** When a child that ended is started again (OTP's permanent, transient, temporary). */
    public enum Restart {
        /** Always. */
        PERMANENT,
        /** Only when it ended abnormally. */
        TRANSIENT,
        /** Never. */
        TEMPORARY;

        /** Whether a child is started again after such an end. */
        boolean after(boolean abnormal) {
            return switch (this) {
                case PERMANENT -> true;
                case TRANSIENT -> abnormal;
                case TEMPORARY -> false;
            };
        }
    }

    /** What a child runs. */
    public sealed interface Body {}

    record ProcessBody(Supplier<? extends Behavior<?>> behavior, ProcessOptions options) implements Body {}

    record TaskBody(Task task) implements Body {}

    record ServiceBody(Supplier<? extends Service> service) implements Body {}

    record PeriodicBody(Duration interval, Duration jitter, Task action) implements Body {
        PeriodicBody {
            if (!interval.isPositive() || jitter.isNegative()) {
                throw new IllegalArgumentException(
                        "a periodic action needs a positive interval and a jitter of at least" + " zero, not "
                                + interval + " and " + jitter);
            }
        }
    }

    record SupervisorBody(SupervisorOptions options, List<ChildSpec> children) implements Body {}

    /** What sort of child it describes, for people: process, task, service, periodic or supervisor. */
    public String sort() {
        return switch (body) {
            case ProcessBody _ -> "process";
            case TaskBody _ -> "task";
            case ServiceBody _ -> "service";
            case PeriodicBody _ -> "periodic";
            case SupervisorBody _ -> "supervisor";
        };
    }

    /** A process with a mailbox; a new behaviour is made for every (re)start. */
    public static <M> ChildSpec process(String name, Supplier<? extends Behavior<M>> behavior) {
        return process(name, behavior, ProcessOptions.DEFAULT);
    }

    /** A process with a mailbox of its own size and policy, or a thread of its own. */
    public static <M> ChildSpec process(String name, Supplier<? extends Behavior<M>> behavior, ProcessOptions options) {
        return new ChildSpec(name, Restart.PERMANENT, Duration.ofSeconds(5), new ProcessBody(behavior, options));
    }

    /** A blocking body on a virtual thread of its own; it is interrupted when it has to stop. */
    public static ChildSpec task(String name, Task task) {
        return new ChildSpec(name, Restart.PERMANENT, Duration.ofSeconds(5), new TaskBody(task));
    }

    /** Something that starts and stops, such as a listener or an engine; a new one is made for every (re)start. */
    public static ChildSpec service(String name, Supplier<? extends Service> service) {
        return new ChildSpec(name, Restart.PERMANENT, Duration.ofSeconds(10), new ServiceBody(service));
    }

    /** An action run again and again, first after a random part of {@code jitter}, then {@code interval} after it ended. */
    public static ChildSpec periodic(String name, Duration interval, Duration jitter, Task action) {
        return new ChildSpec(
                name, Restart.PERMANENT, Duration.ofSeconds(5), new PeriodicBody(interval, jitter, action));
    }

    /** A supervisor with children that start with it, in this order. It has for ever to stop, as each of them has its time. */
    public static ChildSpec supervisor(String name, SupervisorOptions options, ChildSpec... children) {
        return new ChildSpec(name, Restart.PERMANENT, null, new SupervisorBody(options, List.of(children)));
    }

    /** When to restart it; permanent otherwise. */
    public ChildSpec withRestart(Restart restart) {
        return new ChildSpec(name, restart, shutdown, body);
    }

    /** How long it may take to stop: null for ever, zero kills at once; 5 s otherwise, 10 s for a service. */
    public ChildSpec withShutdown(@Nullable Duration shutdown) {
        return new ChildSpec(name, restart, shutdown, body);
    }
}
