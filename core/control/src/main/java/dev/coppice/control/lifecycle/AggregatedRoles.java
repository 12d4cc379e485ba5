package dev.coppice.control.lifecycle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import dev.coppice.control.Reconciler.Result;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.runtime.ObjectCache;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Fills ClusterRoles that have an aggregationRule with the rules of those that its selectors choose. */
final class AggregatedRoles {

    static final ResourceType CLUSTER_ROLES = new ResourceType("rbac.authorization.k8s.io", "v1", "clusterroles");

    private final ResourceClient client;
    private final ObjectCache<ObjectNode> roles;

    AggregatedRoles(ResourceClient client, ObjectCache<ObjectNode> roles) {
        this.client = client;
        this.roles = roles;
    }

    static boolean aggregates(ObjectNode role) {
        return role.path("aggregationRule").path("clusterRoleSelectors").isArray();
    }

    Result fill(Key key) {
        Optional<ObjectNode> found = roles.get(key);
        if (found.isEmpty() || !aggregates(found.get())) {
            return Result.DONE;
        }
        ObjectNode role = found.get();
        ArrayNode rules = rules(role);
        if (!rules.equals(role.path("rules"))
                && !(rules.isEmpty() && role.path("rules").isEmpty())) {
            ObjectNode patch = JsonNodeFactory.instance.objectNode();
            patch.set("rules", rules);
            ObjectNode _ = client.mergePatch(CLUSTER_ROLES, "", key.name(), null, patch);
        }
        return Result.DONE;
    }

    private ArrayNode rules(ObjectNode role) {
        List<ObjectNode> all = new ArrayList<>(roles.list());
        all.sort(Comparator.comparing(each -> ObjectCache.key(each).name()));
        Set<JsonNode> rules = new LinkedHashSet<>();
        for (JsonNode selector : role.path("aggregationRule").path("clusterRoleSelectors")) {
            for (ObjectNode each : all) {
                if (!ObjectCache.key(each).equals(ObjectCache.key(role))
                        && LabelSelector.matches(selector, each.path("metadata").path("labels"))) {
                    each.path("rules").forEach(rules::add);
                }
            }
        }
        return JsonNodeFactory.instance.arrayNode().addAll(rules);
    }
}
