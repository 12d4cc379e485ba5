package dev.coppice.schema;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;

/** The shape of metadata, which every resource has: enough to prune, merge and apply it. Its descriptions are elsewhere. */
final class ObjectMetaSchema {
    private static final String JSON = """
            {"type":"object","properties":{
              "annotations":{"type":"object","additionalProperties":{"type":"string"}},
              "creationTimestamp":{"type":"string","format":"date-time","nullable":true},
              "deletionGracePeriodSeconds":{"type":"integer","format":"int64"},
              "deletionTimestamp":{"type":"string","format":"date-time"},
              "finalizers":{"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"set",
                "x-kubernetes-patch-strategy":"merge"},
              "generateName":{"type":"string"},
              "generation":{"type":"integer","format":"int64"},
              "labels":{"type":"object","additionalProperties":{"type":"string"}},
              "managedFields":{"type":"array","x-kubernetes-list-type":"atomic","items":{"type":"object","properties":{
                "apiVersion":{"type":"string"},"fieldsType":{"type":"string"},
                "fieldsV1":{"type":"object","x-kubernetes-preserve-unknown-fields":true},
                "manager":{"type":"string"},"operation":{"type":"string"},"subresource":{"type":"string"},
                "time":{"type":"string","format":"date-time"}}}},
              "name":{"type":"string"},
              "namespace":{"type":"string"},
              "ownerReferences":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["uid"],
                "x-kubernetes-patch-merge-key":"uid","x-kubernetes-patch-strategy":"merge",
                "items":{"type":"object","x-kubernetes-map-type":"atomic",
                  "required":["apiVersion","kind","name","uid"],"properties":{
                  "apiVersion":{"type":"string"},"blockOwnerDeletion":{"type":"boolean"},"controller":{"type":"boolean"},
                  "kind":{"type":"string"},"name":{"type":"string"},"uid":{"type":"string"}}}},
              "resourceVersion":{"type":"string"},
              "selfLink":{"type":"string"},
              "uid":{"type":"string"}}}
            """;

    private ObjectMetaSchema() {}

    /** Holds the compiled schema from first use on. */
    private static final class Compiled {
        static final Schema SCHEMA = compile();

        private static Schema compile() {
            try {
                return Schema.of(new ObjectMapper().readTree(JSON));
            } catch (JsonProcessingException e) {
                throw new IllegalStateException("The schema of metadata is broken", e);
            }
        }
    }

    static Schema schema() {
        return Compiled.SCHEMA;
    }
}
