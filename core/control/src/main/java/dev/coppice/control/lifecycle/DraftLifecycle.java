package dev.coppice.control.lifecycle;

import dev.coppice.control.ApiException;
import dev.coppice.control.Key;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.engine.CustomResources;
import dev.coppice.control.engine.Engine;
import dev.coppice.control.engine.Target;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.Registry;
import dev.coppice.control.storage.Caches;
import dev.coppice.control.webhook.WebhookClient;
import java.util.Objects;

/**
 * Does in a draft at once what the cluster's controllers do after a change that later objects need: a CustomResourceDefinition is
 * served, a ResourceQuota counts. What the others do (aggregated roles, default service accounts, garbage collection) is not done.
 */
public final class DraftLifecycle {
    private static final ResourceType DEFINITIONS =
            new ResourceType(CustomResources.GROUP, "v1", "customresourcedefinitions");

    private final CustomTypes types;
    private final QuotaUsage quotas;

    /**
     * Of a draft.
     *
     * @param client writes into the draft
     */
    public DraftLifecycle(
            Engine engine, Registry registry, Caches caches, WebhookClient webhooks, ResourceClient client) {
        Definition definitions =
                Objects.requireNonNull(registry.find(DEFINITIONS.group(), DEFINITIONS.version(), DEFINITIONS.plural()));
        this.types = new CustomTypes(engine, registry, caches, definitions, webhooks);
        this.quotas = new QuotaUsage(client);
    }

    /**
     * An object was written.
     *
     * @throws ApiException when what follows from it fails
     */
    public void wrote(Target target) {
        ResourceType type = target.definition().type();
        if (type.equals(DEFINITIONS)) {
            types.settle(target.name());
        } else if (type.equals(QuotaUsage.QUOTAS)) {
            var unused = quotas.count(new Key(target.namespace(), target.name()));
        }
    }
}
