package dev.coppice.operator;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Authorizer.Action;
import dev.coppice.control.Permission;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.request.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Finds out by SelfSubjectAccessReviews what one may not do, all of it together. */
public final class AccessCheck {
    private static final ResourceType REVIEWS =
            new ResourceType("authorization.k8s.io", "v1", "selfsubjectaccessreviews");

    private final ResourceClient client;

    public AccessCheck(ResourceClient client) {
        this.client = client;
    }

    /**
     * What is missing, in words, such as {@code list, watch secrets in namespace "a"}; empty when nothing is. Throws ApiException
     * when the cluster does not answer, or refuses the credentials.
     *
     * @param namespaces where namespaced permissions are needed; empty for everywhere
     */
    public List<String> missing(List<Permission> permissions, List<String> namespaces) {
        Map<String, List<String>> verbs = new LinkedHashMap<>();
        for (Permission each : permissions) {
            List<String> where = each.namespaced() && !namespaces.isEmpty() ? namespaces : List.of("");
            for (String namespace : where) {
                for (String verb : each.verbs()) {
                    if (!allowed(new Action(verb, each.group(), each.resource(), namespace, ""))) {
                        verbs.computeIfAbsent(shown(each, namespace), _ -> new ArrayList<>())
                                .add(verb);
                    }
                }
            }
        }
        return verbs.entrySet().stream()
                .map(each -> String.join(", ", each.getValue()) + " " + each.getKey())
                .toList();
    }

    private static String shown(Permission permission, String namespace) {
        String resource =
                permission.group().isEmpty() ? permission.resource() : permission.resource() + "." + permission.group();
        if (!namespace.isEmpty()) {
            return resource + " in namespace \"" + namespace + "\"";
        }
        return permission.namespaced() ? resource + " in all namespaces" : resource;
    }

    private boolean allowed(Action action) {
        ObjectNode review = Json.object();
        review.put("apiVersion", "authorization.k8s.io/v1").put("kind", "SelfSubjectAccessReview");
        review.putObject("spec").set("resourceAttributes", ClusterAuthorizer.attributes(action));
        return client.create(REVIEWS, review).path("status").path("allowed").asBoolean(false);
    }
}
