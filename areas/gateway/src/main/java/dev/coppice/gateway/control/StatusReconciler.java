package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Key;
import dev.coppice.control.Kind;
import dev.coppice.control.Reconciler;
import dev.coppice.control.Resource;
import dev.coppice.kernel.Clock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Writes what the last translation says of an object into its status, if that says something else. */
final class StatusReconciler<S extends Record, T extends Record> implements Reconciler<S, T> {
    private final Function<Key, @Nullable Draft> drafts;
    private final Clock clock;

    StatusReconciler(Function<Key, @Nullable Draft> drafts, Clock clock) {
        this.drafts = drafts;
        this.clock = clock;
    }

    @Override
    public Result reconcile(Request<S, T> request) {
        @Nullable Draft draft = drafts.apply(request.key());
        if (draft == null || request.resource().isEmpty()) {
            return Result.DONE;
        }
        Resource<S, T> resource = request.resource().get();
        @Nullable ObjectNode patch = StatusPatches.patch(resource.tree(), draft, clock.now());
        if (patch == null) {
            return Result.DONE;
        }
        Kind<S, T> kind = resource.kind();
        try {
            ObjectNode _ =
                    request.resources().mergePatch(kind.type(), resource.namespace(), resource.name(), "status", patch);
        } catch (ApiException e) {
            if (e.code() != 404) {
                throw e;
            }
        }
        return Result.DONE;
    }
}
