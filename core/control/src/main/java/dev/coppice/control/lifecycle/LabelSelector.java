package dev.coppice.control.lifecycle;

import com.fasterxml.jackson.databind.JsonNode;

/** Matches labels against a meta.k8s.io/v1 LabelSelector. An empty one matches all. */
final class LabelSelector {
    private LabelSelector() {}

    static boolean matches(JsonNode selector, JsonNode labels) {
        for (var label : selector.path("matchLabels").properties()) {
            if (!labels.has(label.getKey())
                    || !labels.get(label.getKey())
                            .asText()
                            .equals(label.getValue().asText())) {
                return false;
            }
        }
        for (JsonNode expression : selector.path("matchExpressions")) {
            if (!matchesExpression(expression, labels)) {
                return false;
            }
        }
        return true;
    }

    private static boolean matchesExpression(JsonNode expression, JsonNode labels) {
        JsonNode value = labels.path(expression.path("key").asText());
        boolean present = !value.isMissingNode();
        boolean among = false;
        for (JsonNode each : expression.path("values")) {
            among |= present && each.asText().equals(value.asText());
        }
        return switch (expression.path("operator").asText()) {
            case "In" -> among;
            case "NotIn" -> !among;
            case "Exists" -> present;
            case "DoesNotExist" -> !present;
            default -> false;
        };
    }
}
