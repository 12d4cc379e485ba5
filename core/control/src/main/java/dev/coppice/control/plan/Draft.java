package dev.coppice.control.plan;

import dev.coppice.control.access.BearerTokens;
import dev.coppice.control.access.RoleAuthorizer;
import dev.coppice.control.admission.AdmissionOrder;
import dev.coppice.control.engine.Engine;
import dev.coppice.control.engine.FieldManagers;
import dev.coppice.control.engine.Reader;
import dev.coppice.control.engine.Target;
import dev.coppice.control.lifecycle.DraftLifecycle;
import dev.coppice.control.resource.BuiltIns;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.Registry;
import dev.coppice.control.runtime.LocalResourceClient;
import dev.coppice.control.storage.DraftStore;
import dev.coppice.control.storage.ResourceCache;
import dev.coppice.control.storage.WatchFeed;
import dev.coppice.control.webhook.WebhookClient;
import dev.coppice.kernel.Kernel;
import java.util.Objects;

/**
 * The platform as it would be: the node's engine, admission, roles and types once more, over a store whose changes are thrown away.
 * What is written here is seen by what is written after it, and by nobody else. For one plan.
 */
final class Draft {
    private final Registry registry;
    private final Engine engine;
    private final RoleAuthorizer authorizer;
    private final DraftLifecycle lifecycle;

    /** A draft of the platform as it is now. */
    Draft(Kernel kernel, Engine base, Registry types, WebhookClient webhooks) {
        WatchFeed feed = base.feed();
        DraftStore store = new DraftStore(base.store(), feed.fresh());
        this.registry = types.copy(d -> d.stored() && d.computed() == null ? over(d, store) : d);
        this.engine = Engine.drafting(kernel, store, feed, new FieldManagers(registry));
        this.authorizer = new RoleAuthorizer(
                cache("clusterroles"), cache("clusterrolebindings"), cache("roles"), cache("rolebindings"));
        AdmissionOrder.install(engine, registry, authorizer, webhooks);
        LocalResourceClient client = new LocalResourceClient(
                kernel,
                kernel.root(),
                engine,
                new Reader(feed, store),
                registry,
                BearerTokens.ADMIN,
                "kube-controller-manager");
        this.lifecycle = new DraftLifecycle(engine, registry, store, webhooks, client);
    }

    private static Definition over(Definition definition, DraftStore store) {
        ResourceCache cache = store.over(definition.storagePrefix(), definition.namespaced(), definition::cache);
        return definition.over(() -> cache);
    }

    private ResourceCache cache(String plural) {
        return Objects.requireNonNull(registry.find(BuiltIns.RBAC, "v1", plural), plural)
                .cache();
    }

    Registry registry() {
        return registry;
    }

    Engine engine() {
        return engine;
    }

    RoleAuthorizer authorizer() {
        return authorizer;
    }

    /** Something was written: what has to follow at once follows. */
    void wrote(Target target) {
        lifecycle.wrote(target);
    }
}
