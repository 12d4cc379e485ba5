package dev.coppice.control.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.PolicyExpressions;
import dev.coppice.control.resource.Registry;
import dev.coppice.expression.Environment;
import dev.coppice.expression.Expression;
import dev.coppice.expression.InvalidExpressionException;
import dev.coppice.schema.openapi.WholeSchemas;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Compiles the expressions of ValidatingAdmissionPolicies against the types that the policies name, to warn of mistakes that
 * otherwise show when a request comes. {@code object}, {@code oldObject} and {@code params} are typed; the rest may be anything.
 * Rules with wildcards name no types. Safe for use by many threads.
 */
public final class TypeChecker {
    /** As in Kubernetes. */
    private static final int MOST_TYPES = 10;

    private final Registry registry;

    public TypeChecker(Registry registry) {
        this.registry = registry;
    }

    /** The expressionWarnings of a policy's status; empty when there is nothing to warn of. */
    public ArrayNode warnings(JsonNode spec) {
        ArrayNode warnings = Json.array();
        List<Environment> environments = new ArrayList<>();
        List<Definition> types = types(spec);
        Definition params = registry.snapshot()
                .kind(
                        spec.path("paramKind").path("apiVersion").asText(),
                        spec.path("paramKind").path("kind").asText());
        types.forEach(type -> environments.add(environment(type, params)));
        int i = 0;
        for (JsonNode validation : spec.path("validations")) {
            String at = "spec.validations[" + i++ + "].";
            for (String field : List.of("expression", "messageExpression")) {
                String source = validation.path(field).asText("");
                String warning = source.isBlank() ? "" : warning(source, types, environments);
                if (!warning.isEmpty()) {
                    warnings.addObject().put("fieldRef", at + field).put("warning", warning);
                }
            }
        }
        return warnings;
    }

    private static Environment environment(Definition type, @Nullable Definition params) {
        return PolicyExpressions.typed(
                WholeSchemas.of(type.apiVersion(), type.kind(), type.schema()),
                params == null ? null : WholeSchemas.of(params.apiVersion(), params.kind(), params.schema()));
    }

    private static String warning(String source, List<Definition> types, List<Environment> environments) {
        List<String> all = new ArrayList<>();
        for (int i = 0; i < types.size(); i++) {
            Definition d = types.get(i);
            try {
                Expression unused = Expression.compile(source, environments.get(i));
                assert unused != null;
            } catch (InvalidExpressionException e) {
                all.add(d.group() + "/" + d.version() + ", Kind=" + d.kind() + ": " + e.display() + "\n");
            }
        }
        return String.join("\n", all);
    }

    private List<Definition> types(JsonNode spec) {
        Set<Definition> found = new TreeSet<>(Comparator.comparing(Definition::group)
                .thenComparing(Definition::version)
                .thenComparing(Definition::kind));
        for (JsonNode rule : spec.path("matchConstraints").path("resourceRules")) {
            for (String group : plain(rule.path("apiGroups"))) {
                for (String version : plain(rule.path("apiVersions"))) {
                    for (String resource : Json.list(rule.path("resources"))) {
                        Definition d = registry.find(group, version, resource);
                        if (d != null && found.size() < MOST_TYPES) {
                            found.add(d);
                        }
                    }
                }
            }
        }
        return List.copyOf(found);
    }

    private static List<String> plain(JsonNode names) {
        List<String> all = new TreeSet<>(Json.list(names)).stream().toList();
        return all.stream().anyMatch(each -> each.contains("*")) ? List.of() : all;
    }
}
