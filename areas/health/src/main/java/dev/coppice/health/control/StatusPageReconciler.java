package dev.coppice.health.control;

import dev.coppice.control.Key;
import dev.coppice.control.Reconciler;
import dev.coppice.control.Resource;
import dev.coppice.health.kind.StatusPageSpec;
import dev.coppice.health.kind.StatusPageStatus;
import dev.coppice.health.page.StatusModel;
import dev.coppice.kernel.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** Tells in the status where a StatusPage is and what it shows. The page itself is made from the informer. */
public final class StatusPageReconciler implements Reconciler<StatusPageSpec, StatusPageStatus> {
    private static final Duration REFRESH = Duration.ofSeconds(15);

    private final Function<Key, Optional<StatusModel>> models;
    private final Clock clock;

    public StatusPageReconciler(Function<Key, Optional<StatusModel>> models, Clock clock) {
        this.models = models;
        this.clock = clock;
    }

    @Override
    public Result reconcile(Request<StatusPageSpec, StatusPageStatus> request) {
        Optional<Resource<StatusPageSpec, StatusPageStatus>> found = request.resource();
        if (found.isEmpty()) {
            return Result.DONE;
        }
        Resource<StatusPageSpec, StatusPageStatus> page = found.get();
        StatusPageStatus before = page.status();
        Optional<StatusModel> model = models.apply(page.key());
        if (model.isEmpty()) {
            return Result.again(Duration.ofSeconds(1));
        }
        Conditions conditions =
                new Conditions(before == null ? List.of() : before.conditions(), page.generation(), clock.now());
        conditions.set("Ready", true, "Served", "");
        StatusPatch.write(
                request.resources(),
                page,
                new StatusPageStatus(
                        "/status/" + page.namespace() + "/" + page.name(),
                        model.get().state(),
                        model.get().components(),
                        page.generation(),
                        conditions.list()));
        return Result.again(REFRESH);
    }

    @Override
    public List<String> plan(Planned<StatusPageSpec, StatusPageStatus> planned) {
        if (planned.before().isPresent() == planned.after().isPresent()) {
            return List.of();
        }
        return planned.after()
                .map(page -> List.of("will serve the page at /status/" + page.namespace() + "/" + page.name()
                        + " of the public port, to everybody"))
                .orElse(List.of("will serve the page no more"));
    }
}
