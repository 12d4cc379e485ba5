package dev.coppice.control.lifecycle;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Key;
import dev.coppice.control.Reconciler.Result;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.ResourceType;
import java.util.Optional;

/** Sees to it that every namespace has a ServiceAccount {@code default}. */
final class DefaultServiceAccounts {

    static final ResourceType SERVICE_ACCOUNTS = new ResourceType("", "v1", "serviceaccounts");
    static final String NAME = "default";

    private final ResourceClient client;

    DefaultServiceAccounts(ResourceClient client) {
        this.client = client;
    }

    /** {@code key} names the namespace. */
    Result provide(Key key) {
        Optional<ObjectNode> namespace = client.get(NamespaceTermination.NAMESPACES, "", key.name());
        boolean active =
                namespace.isPresent() && !namespace.get().path("metadata").hasNonNull("deletionTimestamp");
        if (active && client.get(SERVICE_ACCOUNTS, key.name(), NAME).isEmpty()) {
            create(key.name());
        }
        return Result.DONE;
    }

    private void create(String namespace) {
        ObjectNode account = JsonNodeFactory.instance.objectNode();
        account.put("apiVersion", "v1").put("kind", "ServiceAccount");
        account.putObject("metadata").put("name", NAME).put("namespace", namespace);
        try {
            ObjectNode _ = client.create(SERVICE_ACCOUNTS, account);
        } catch (ApiException e) {
            boolean there = e.code() == 409;
            boolean going = e.code() == 403 && String.valueOf(e.getMessage()).contains("is being terminated")
                    || e.code() == 404;
            if (!there && !going) {
                throw e;
            }
        }
    }
}
