package dev.coppice.control.lifecycle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;

/**
 * Who owns an object (meta.k8s.io/v1 OwnerReference).
 *
 * @param blocking whether the owner, deleted in the foreground, waits for the object
 */
record OwnerReference(String apiVersion, String kind, String name, String uid, boolean blocking) {

    static List<OwnerReference> of(ObjectNode object) {
        List<OwnerReference> all = new ArrayList<>();
        for (JsonNode each : object.path("metadata").path("ownerReferences")) {
            all.add(new OwnerReference(
                    each.path("apiVersion").asText(""),
                    each.path("kind").asText(""),
                    each.path("name").asText(""),
                    each.path("uid").asText(""),
                    each.path("blockOwnerDeletion").asBoolean()));
        }
        return List.copyOf(all);
    }

    String group() {
        int slash = apiVersion.indexOf('/');
        return slash < 0 ? "" : apiVersion.substring(0, slash);
    }
}
