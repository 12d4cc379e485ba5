package dev.coppice.operator;

import dev.coppice.control.ResourceClient.Query;
import dev.coppice.control.ResourceClient.ResourceType;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;

/** Where things are in Kubernetes' API. */
final class ClusterPaths {
    private ClusterPaths() {}

    /** All objects of a type; in one namespace unless that is empty. */
    static String collection(ResourceType type, String namespace) {
        String version =
                type.group().isEmpty() ? "/api/" + type.version() : "/apis/" + type.group() + "/" + type.version();
        return version + (namespace.isEmpty() ? "" : "/namespaces/" + escaped(namespace)) + "/" + type.plural();
    }

    /** One object, or a sub-resource of it. */
    static String object(ResourceType type, String namespace, String name, String subresource) {
        return collection(type, namespace) + "/" + escaped(name) + (subresource.isEmpty() ? "" : "/" + subresource);
    }

    /** The parameters of a query, each with an ampersand before it. */
    static String selectors(Query query) {
        return parameter("labelSelector", query.labelSelector()) + parameter("fieldSelector", query.fieldSelector());
    }

    /** {@code &name=value}; nothing when the value is empty. */
    static String parameter(String name, String value) {
        return value.isEmpty() ? "" : "&" + name + "=" + escaped(value);
    }

    private static String escaped(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
