package dev.coppice.health.control;

import dev.coppice.control.Reconciler;
import dev.coppice.control.Resource;
import dev.coppice.health.check.CheckEngine;
import dev.coppice.health.check.CheckPlan;
import dev.coppice.health.check.Machine;
import dev.coppice.health.check.Observation.Health;
import dev.coppice.health.check.PlanCompiler;
import dev.coppice.health.check.State;
import dev.coppice.health.kind.HealthCheckSpec;
import dev.coppice.health.kind.HealthCheckStatus;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** Gives valid HealthChecks to the engine and takes the others, and those that are gone, from it. */
public final class HealthCheckReconciler implements Reconciler<HealthCheckSpec, HealthCheckStatus> {
    private final CheckEngine engine;
    private final Function<CheckPlan, List<String>> targetErrors;
    private final InvalidChecks invalid;
    private final CheckStatusWriter statuses;

    HealthCheckReconciler(
            CheckEngine engine,
            Function<CheckPlan, List<String>> targetErrors,
            InvalidChecks invalid,
            CheckStatusWriter statuses) {
        this.engine = engine;
        this.targetErrors = targetErrors;
        this.invalid = invalid;
        this.statuses = statuses;
    }

    @Override
    public Result reconcile(Request<HealthCheckSpec, HealthCheckStatus> request) {
        Optional<Resource<HealthCheckSpec, HealthCheckStatus>> found = request.resource();
        if (found.isEmpty() || found.get().deleting()) {
            engine.remove(request.key());
            invalid.set(request.key(), List.of());
            return Result.DONE;
        }
        Resource<HealthCheckSpec, HealthCheckStatus> resource = found.get();
        PlanCompiler.Compiled compiled = PlanCompiler.compile(
                request.key(), resource.uid(), resource.generation(), resource.labels(), resource.spec());
        switch (compiled) {
            case PlanCompiler.Invalid wrong -> refuse(resource, wrong.errors());
            case PlanCompiler.Valid valid -> {
                List<String> errors = targetErrors.apply(valid.plan());
                if (errors.isEmpty()) {
                    invalid.set(request.key(), List.of());
                    engine.put(valid.plan(), remembered(resource));
                    statuses.concerns(resource);
                } else {
                    refuse(resource, errors);
                }
            }
        }
        return Result.DONE;
    }

    @Override
    public List<String> plan(Planned<HealthCheckSpec, HealthCheckStatus> planned) {
        List<String> actions = CheckActions.of(
                planned.before().map(Resource::spec).orElse(null),
                planned.after().map(Resource::spec).orElse(null));
        return planned.after()
                .map(this::errors)
                .filter(errors -> !errors.isEmpty())
                .map(errors -> List.of("will not probe, as the check cannot be run: " + String.join("; ", errors)))
                .orElse(actions);
    }

    /** All that keeps a check from being run. */
    private List<String> errors(Resource<HealthCheckSpec, HealthCheckStatus> resource) {
        return switch (PlanCompiler.compile(
                resource.key(), resource.uid(), resource.generation(), resource.labels(), resource.spec())) {
            case PlanCompiler.Invalid wrong -> wrong.errors();
            case PlanCompiler.Valid valid -> targetErrors.apply(valid.plan());
        };
    }

    private void refuse(Resource<HealthCheckSpec, HealthCheckStatus> resource, List<String> errors) {
        engine.suspend(resource.key());
        invalid.set(resource.key(), errors);
        statuses.concerns(resource);
    }

    /** The state in the status, for a node whose own memory is lost. */
    private static Optional<Machine> remembered(Resource<HealthCheckSpec, HealthCheckStatus> resource) {
        HealthCheckStatus status = resource.status();
        if (status == null || status.state() == null || status.since() == null) {
            return Optional.empty();
        }
        String error = status.lastError() == null ? "" : status.lastError();
        Instant since = status.since();
        return switch (status.state()) {
            case "Up" -> Optional.of(machine(new State.Up(), since, Health.UP, ""));
            case "Degraded" -> Optional.of(machine(new State.Degraded(error), since, Health.DEGRADED, error));
            case "Down" -> Optional.of(machine(new State.Down(error), since, Health.DOWN, error));
            case "Unknown" -> Optional.of(machine(new State.Unknown(), since, Health.UNKNOWN, ""));
            default -> Optional.empty();
        };
    }

    private static Machine machine(State state, Instant since, Health health, String error) {
        return new Machine(state, since, health, error, 0, 0, false, List.of());
    }
}
