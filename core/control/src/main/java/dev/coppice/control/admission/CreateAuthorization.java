package dev.coppice.control.admission;

import dev.coppice.control.Authorizer;
import dev.coppice.control.access.Impersonation;
import dev.coppice.control.engine.Engine;
import dev.coppice.control.engine.Target;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.Definition;
import dev.coppice.serving.Identity;

/** Making an object takes the verb {@code create}, also where an update or a server-side apply makes it. */
public final class CreateAuthorization implements Engine.EarlyAdmission {
    private final Authorizer authorizer;

    public CreateAuthorization(Authorizer authorizer) {
        this.authorizer = authorizer;
    }

    @Override
    public void admit(Request request) {
        if (request.operation() != Operation.CREATE) {
            return;
        }
        Target target = request.target();
        Definition d = target.definition();
        Identity who = request.caller().identity();
        var create = new Authorizer.Action("create", d.group(), d.plural(), target.namespace(), target.name());
        if (!authorizer.authorize(who, create).allowed()) {
            throw Statuses.forbidden(d.group(), d.plural(), target.name(), Impersonation.refusal(who, create));
        }
    }
}
