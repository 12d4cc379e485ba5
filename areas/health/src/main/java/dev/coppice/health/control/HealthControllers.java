package dev.coppice.health.control;

import dev.coppice.control.Controller;
import dev.coppice.control.ExtensionContext;
import dev.coppice.control.Informer;
import dev.coppice.health.check.CheckEngine;
import dev.coppice.health.check.ProbingRunner;
import dev.coppice.health.kind.HealthCheckSpec;
import dev.coppice.health.kind.HealthCheckStatus;
import dev.coppice.health.kind.HealthKinds;
import dev.coppice.health.series.SeriesStore;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;

/** Wires the controller of HealthChecks to the engine. */
public final class HealthControllers {
    private HealthControllers() {}

    /** Starts what makes HealthChecks run and writes their statuses. */
    public static void start(
            ExtensionContext context,
            Supervisor supervisor,
            Informer<HealthCheckSpec, HealthCheckStatus> checks,
            CheckEngine engine,
            ProbingRunner runner,
            SeriesStore series)
            throws StartException {
        InvalidChecks invalid = new InvalidChecks();
        CheckStatusWriter statuses =
                new CheckStatusWriter(context.kernel(), context.resources(), checks, engine, series, invalid);
        engine.listen(statuses);
        statuses.start(supervisor);
        context.start(Controller.of(
                "healthcheck",
                HealthKinds.HEALTH_CHECK,
                new HealthCheckReconciler(engine, runner::errors, invalid, statuses)));
    }
}
