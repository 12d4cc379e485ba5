package dev.coppice.kernel;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a child was specified, for people. What its sort does not have is null.
 *
 * @param sort process, task, service, periodic or supervisor
 * @param shutdown how long it may take to stop; null for ever
 * @param process a process's options
 * @param interval of a periodic action
 * @param supervisor a supervisor's options
 */
public record Traits(
        String sort,
        ChildSpec.Restart restart,
        @Nullable Duration shutdown,
        @Nullable ProcessOptions process,
        @Nullable Duration interval,
        @Nullable SupervisorOptions supervisor) {

    static Traits of(ChildSpec spec) {
        return new Traits(
                spec.sort(),
                spec.restart(),
                spec.shutdown(),
                spec.body() instanceof ChildSpec.ProcessBody body ? body.options() : null,
                spec.body() instanceof ChildSpec.PeriodicBody body ? body.interval() : null,
                spec.body() instanceof ChildSpec.SupervisorBody body ? body.options() : null);
    }
}
