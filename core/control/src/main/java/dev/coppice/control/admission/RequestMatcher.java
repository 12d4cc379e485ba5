package dev.coppice.control.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.engine.Target;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Selectors;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.Registry;
import dev.coppice.control.storage.CachedObject;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Decides which requests a policy or a webhook is about: rules, selectors of objects and namespaces, equivalent versions.
 * What configures admission is never matched, so that nobody locks himself out. Safe for use by many threads.
 */
final class RequestMatcher {
    private static final String OWN_GROUP = "admissionregistration.k8s.io";

    private final Registry registry;
    private final Definition namespaces;

    RequestMatcher(Registry registry, Definition namespaces) {
        this.registry = registry;
        this.namespaces = namespaces;
    }

    static boolean exempt(Admission.Request request) {
        return request.target().definition().group().equals(OWN_GROUP);
    }

    /**
     * The request as the rules see it: as it came, or in an equivalent version that they name; null when they are not about
     * it.
     *
     * @param rules the name of the list of rules; no rules there match everything
     */
    Admission.@Nullable Request match(JsonNode match, String rules, Admission.Request request) {
        if (!objectChosen(match.path("objectSelector"), request)
                || !namespaceChosen(match.path("namespaceSelector"), request)) {
            return null;
        }
        JsonNode excluded = match.path("excludeResourceRules");
        JsonNode included = match.path(rules);
        Definition d = request.target().definition();
        boolean equivalent = !match.path("matchPolicy").asText().equals("Exact");
        if (anyRule(excluded, request, d) || equivalent && equivalent(excluded, request) != null) {
            return null;
        }
        if (included.isEmpty() || anyRule(included, request, d)) {
            return request;
        }
        Definition other = equivalent ? equivalent(included, request) : null;
        return other == null ? null : request.as(other);
    }

    private @Nullable Definition equivalent(JsonNode rules, Admission.Request request) {
        Definition d = request.target().definition();
        if (rules.isEmpty() || !d.stored()) {
            return null;
        }
        for (Definition other : registry.snapshot().all()) {
            boolean same = other != d && other.storagePrefix().equals(d.storagePrefix());
            if (same && anyRule(rules, request, other)) {
                return other;
            }
        }
        return null;
    }

    private static boolean anyRule(JsonNode rules, Admission.Request request, Definition d) {
        Target target = request.target();
        for (JsonNode rule : rules) {
            List<String> names = Json.list(rule.path("resourceNames"));
            String scope = rule.path("scope").asText("*");
            if (has(rule, "operations", request.operation().name())
                    && has(rule, "apiGroups", d.group())
                    && has(rule, "apiVersions", d.version())
                    && hasResource(rule, d.plural(), target.subresource())
                    && (names.isEmpty() || names.contains(target.name()))
                    && (scope.equals("*") || scope.equals(d.namespaced() ? "Namespaced" : "Cluster"))) {
                return true;
            }
        }
        return false;
    }

    private static boolean has(JsonNode rule, String field, String value) {
        List<String> list = Json.list(rule.path(field));
        return list.contains("*") || list.contains(value);
    }

    private static boolean hasResource(JsonNode rule, String plural, String subresource) {
        for (JsonNode each : rule.path("resources")) {
            String text = each.asText();
            int slash = text.indexOf('/');
            String resource = slash < 0 ? text : text.substring(0, slash);
            String part = slash < 0 ? "" : text.substring(slash + 1);
            if ((resource.equals("*") || resource.equals(plural)) && (part.equals("*") || part.equals(subresource))) {
                return true;
            }
        }
        return false;
    }

    private static boolean objectChosen(JsonNode selector, Admission.Request request) {
        if (selector.isEmpty()) {
            return true;
        }
        var wanted = Selectors.labels(selector);
        return matches(wanted, request.object()) || matches(wanted, request.old());
    }

    private static boolean matches(Selectors.LabelSelector wanted, @Nullable ObjectNode object) {
        return object != null
                && wanted.matches(Json.strings(object.path("metadata").path("labels")));
    }

    private boolean namespaceChosen(JsonNode selector, Admission.Request request) {
        if (selector.isEmpty()) {
            return true;
        }
        Target target = request.target();
        boolean itself = target.definition().storagePrefix().equals(namespaces.storagePrefix());
        if (!itself && !target.definition().namespaced()) {
            return true;
        }
        if (itself && request.object() != null) {
            return matches(Selectors.labels(selector), request.object());
        }
        CachedObject namespace = namespace(request);
        return namespace != null && Selectors.labels(selector).matches(namespace.labels());
    }

    /** The namespace of a request, or itself; null for what lies in none. */
    @Nullable
    CachedObject namespace(Admission.Request request) {
        Target target = request.target();
        if (target.definition().storagePrefix().equals(namespaces.storagePrefix())) {
            return namespaces.cache().get("", target.name());
        }
        return target.definition().namespaced() ? namespaces.cache().get("", target.namespace()) : null;
    }
}
