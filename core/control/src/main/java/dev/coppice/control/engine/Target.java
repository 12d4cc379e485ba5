package dev.coppice.control.engine;

import dev.coppice.control.ApiException;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.Definition;

/**
 * What a request is about.
 *
 * @param namespace empty for cluster-scoped types and for all namespaces
 * @param name empty for a collection
 * @param subresource empty for the resource itself
 */
public record Target(Definition definition, String namespace, String name, String subresource) {
    public static Target of(Definition definition, String namespace, String name) {
        return new Target(definition, namespace, name, "");
    }

    public String key() {
        return definition.storageKey(namespace, name);
    }

    public ApiException notFound() {
        return Statuses.notFound(definition.group(), definition.plural(), name);
    }

    public ApiException conflict(String why) {
        return Statuses.conflict(definition.group(), definition.plural(), name, why);
    }
}
