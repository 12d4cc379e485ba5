package dev.coppice.control.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;
import dev.coppice.control.engine.Engine;
import dev.coppice.control.request.Selectors;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.Registry;
import dev.coppice.control.storage.CachedObject;
import java.util.ArrayList;
import java.util.List;

/** Finds the parameter objects of a policy's binding. Safe for use by many threads. */
final class PolicyParameters {
    private final Registry registry;

    PolicyParameters(Registry registry) {
        this.registry = registry;
    }

    /** Parameters that a policy needs and that are not there. */
    static final class ParameterException extends Exception {
        private static final long serialVersionUID = 1L;

        ParameterException(String message) {
            super(message, null, false, false);
        }
    }

    /** The parameters for a request, each to be evaluated for itself: a null where the policy takes none. */
    List<JsonNode> of(JsonNode policy, JsonNode binding, Admission.Request request) throws ParameterException {
        JsonNode kind = policy.path("paramKind");
        JsonNode ref = binding.path("paramRef");
        if (!kind.isObject() || !ref.isObject()) {
            return List.of(NullNode.getInstance());
        }
        Definition d = registry.snapshot()
                .kind(kind.path("apiVersion").asText(), kind.path("kind").asText());
        if (d == null || !d.stored()) {
            throw new ParameterException(
                    "failed to configure policy: failed to find resource referenced by paramKind: '"
                            + kind.path("apiVersion").asText() + ", Kind="
                            + kind.path("kind").asText() + "'");
        }
        String namespace = namespace(d, ref, request);
        List<JsonNode> found = new ArrayList<>();
        String name = ref.path("name").asText("");
        if (!name.isEmpty()) {
            CachedObject one = d.cache().get(namespace, name);
            if (one != null) {
                found.add(Engine.served(d, one));
            }
        } else {
            var selector = Selectors.labels(ref.path("selector"));
            for (CachedObject each : d.cache().list(namespace)) {
                if (selector.matches(each.labels())) {
                    found.add(Engine.served(d, each));
                }
            }
        }
        if (found.isEmpty() && ref.path("parameterNotFoundAction").asText().equals("Deny")) {
            throw new ParameterException("failed to configure binding: no params found for policy binding with `Deny` "
                    + "parameterNotFoundAction");
        }
        return found;
    }

    private static String namespace(Definition d, JsonNode ref, Admission.Request request) throws ParameterException {
        String given = ref.path("namespace").asText("");
        if (!d.namespaced()) {
            if (!given.isEmpty()) {
                throw new ParameterException(
                        "failed to configure binding: paramRef.namespace must not be provided for a cluster-scoped "
                                + "`paramKind`");
            }
            return "";
        }
        String namespace = given.isEmpty() ? request.target().namespace() : given;
        if (namespace.isEmpty()) {
            throw new ParameterException(
                    "failed to configure binding: cannot use namespaced paramRef in policy binding "
                            + "that matches cluster-scoped resources");
        }
        return namespace;
    }
}
