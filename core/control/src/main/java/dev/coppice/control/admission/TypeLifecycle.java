package dev.coppice.control.admission;

import dev.coppice.control.engine.Engine;
import dev.coppice.control.engine.Target;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.storage.CachedObject;

/** Makes no object of a type that is being deleted: it would have to go with it at once. */
final class TypeLifecycle implements Engine.EarlyAdmission {
    private final Definition definitions;

    TypeLifecycle(Definition definitions) {
        this.definitions = definitions;
    }

    @Override
    public void admit(Request request) {
        Target target = request.target();
        Definition d = target.definition();
        if (request.operation() != Operation.CREATE || !d.custom()) {
            return;
        }
        CachedObject type = definitions.cache().get("", d.plural() + "." + d.group());
        if (type != null && type.tree().path("metadata").hasNonNull("deletionTimestamp")) {
            throw Statuses.terminating(d.group(), d.plural(), "create");
        }
    }
}
