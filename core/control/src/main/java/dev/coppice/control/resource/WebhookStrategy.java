package dev.coppice.control.resource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Names;
import dev.coppice.control.request.Statuses;
import dev.coppice.schema.Cause;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What is special about the configurations of admission webhooks. */
final class WebhookStrategy implements Strategy {
    static final WebhookStrategy INSTANCE = new WebhookStrategy();
    private static final String URL_FORM = "; desired format: https://host[/path]";
    private static final List<String> OPERATIONS = List.of("*", "CONNECT", "CREATE", "DELETE", "UPDATE");

    private WebhookStrategy() {}

    @Override
    public boolean generation() {
        return true;
    }

    @Override
    public void defaults(ObjectNode object) {
        boolean mutating = object.path("kind").asText().equals("MutatingWebhookConfiguration");
        for (JsonNode each : object.path("webhooks")) {
            if (each instanceof ObjectNode webhook) {
                set(webhook, "failurePolicy", "Fail");
                set(webhook, "matchPolicy", "Equivalent");
                Json.child(webhook, "namespaceSelector");
                Json.child(webhook, "objectSelector");
                if (!webhook.hasNonNull("timeoutSeconds")) {
                    webhook.put("timeoutSeconds", 10);
                }
                if (mutating) {
                    set(webhook, "reinvocationPolicy", "Never");
                }
                clientDefaults(webhook.path("clientConfig"));
                for (JsonNode rule : webhook.path("rules")) {
                    if (rule instanceof ObjectNode r) {
                        set(r, "scope", "*");
                    }
                }
            }
        }
    }

    private static void set(ObjectNode node, String field, String value) {
        if (node.path(field).asText("").isEmpty()) {
            node.put(field, value);
        }
    }

    static void clientDefaults(JsonNode clientConfig) {
        if (clientConfig.path("service") instanceof ObjectNode service && !service.hasNonNull("port")) {
            service.put("port", 443);
        }
    }

    @Override
    public List<Cause> validate(ObjectNode object) {
        List<Cause> causes = new ArrayList<>();
        Set<String> names = new HashSet<>();
        int i = 0;
        for (JsonNode webhook : object.path("webhooks")) {
            String at = "webhooks[" + i++ + "]";
            name(webhook, at, names, causes);
            one(webhook, at, causes);
        }
        return causes;
    }

    private static void name(JsonNode webhook, String at, Set<String> names, List<Cause> causes) {
        String name = webhook.path("name").asText("");
        if (name.isEmpty()) {
            causes.add(Cause.required(at + ".name", ""));
        } else {
            Names.subdomain(name).forEach(w -> causes.add(Cause.invalid(at + ".name", name, w)));
            if (name.split("\\.", -1).length < 3) {
                causes.add(Cause.invalid(
                        at + ".name", name, "should be a domain with at least three segments separated by dots"));
            }
        }
        if (!names.add(name)) {
            causes.add(new Cause(at + ".name", "FieldValueDuplicate", "Duplicate value: " + Statuses.quote(name)));
        }
    }

    private static void one(JsonNode webhook, String at, List<Cause> causes) {
        int r = 0;
        for (JsonNode rule : webhook.path("rules")) {
            rule(rule, at + ".rules[" + r++ + "]", causes);
        }
        choice(webhook, at, "failurePolicy", causes, "Fail", "Ignore");
        choice(webhook, at, "matchPolicy", causes, "Equivalent", "Exact");
        choice(webhook, at, "reinvocationPolicy", causes, "IfNeeded", "Never");
        String effects = webhook.path("sideEffects").asText("");
        if (effects.isEmpty()) {
            causes.add(Cause.required(at + ".sideEffects", "must specify one of None, NoneOnDryRun"));
        } else {
            choice(webhook, at, "sideEffects", causes, "None", "NoneOnDryRun");
        }
        long timeout = webhook.path("timeoutSeconds").asLong(10);
        if (timeout < 1 || timeout > 30) {
            causes.add(Cause.invalid(
                    at + ".timeoutSeconds", timeout, "the timeout value must be between 1 and 30 seconds"));
        }
        versions(webhook.path("admissionReviewVersions"), at + ".admissionReviewVersions", "v1beta1", causes);
        client(webhook.path("clientConfig"), at + ".clientConfig", causes);
        PolicyExpressions.checkConditions(webhook, at, causes);
    }

    /** The versions of reviews that a webhook takes; it has to know one of those that are sent. */
    static void versions(JsonNode versions, String at, String other, List<Cause> causes) {
        List<String> all = Json.list(versions);
        if (all.isEmpty()) {
            causes.add(Cause.required(at, "must specify one of v1, " + other));
        } else if (!all.contains("v1") && !all.contains(other)) {
            causes.add(Cause.invalidShown(
                    at, GroupStrategies.goStrings(versions), "must include at least one of v1, " + other));
        }
    }

    private static void choice(JsonNode node, String at, String field, List<Cause> causes, String... values) {
        String value = node.path(field).asText("");
        if (!value.isEmpty() && !List.of(values).contains(value)) {
            causes.add(Statuses.unsupported(at + "." + field, Statuses.quote(value), values));
        }
    }

    private static void rule(JsonNode rule, String at, List<Cause> causes) {
        for (String field : List.of("apiGroups", "apiVersions", "resources", "operations")) {
            List<String> values = Json.list(rule.path(field));
            if (values.isEmpty()) {
                causes.add(Cause.required(at + "." + field, ""));
            }
            if (values.contains("*") && values.size() > 1 && !field.equals("resources")) {
                causes.add(Cause.invalidShown(
                        at + "." + field,
                        GroupStrategies.goStrings(rule.path(field)),
                        "if '*' is present, must not specify other " + named(field)));
            }
        }
        int i = 0;
        for (String operation : Json.list(rule.path("operations"))) {
            String place = at + ".operations[" + i++ + "]";
            if (!OPERATIONS.contains(operation)) {
                causes.add(Statuses.unsupported(place, Statuses.quote(operation), OPERATIONS.toArray(String[]::new)));
            }
        }
        choice(rule, at, "scope", causes, "*", "Cluster", "Namespaced");
    }

    private static String named(String field) {
        return switch (field) {
            case "apiGroups" -> "API groups";
            case "apiVersions" -> "API versions";
            default -> field;
        };
    }

    /** How a webhook is reached: by exactly one of a URL and a service. */
    static void client(JsonNode client, String at, List<Cause> causes) {
        boolean url = client.hasNonNull("url");
        JsonNode service = client.path("service");
        if (url == service.isObject()) {
            causes.add(Cause.required(at, "exactly one of url or service is required"));
        }
        if (url) {
            url(client.path("url").asText(), at + ".url", causes);
        }
        if (service.isObject()) {
            for (String field : List.of("name", "namespace")) {
                if (service.path(field).asText("").isEmpty()) {
                    causes.add(Cause.required(at + ".service." + field, "service " + field + " is required"));
                }
            }
            long port = service.path("port").asLong(443);
            if (port < 1 || port > 65_535) {
                causes.add(Cause.invalid(
                        at + ".service.port", port, "port is not valid: must be between 1 and 65535, inclusive"));
            }
        }
    }

    private static void url(String url, String at, List<Cause> causes) {
        URI uri;
        try {
            uri = new URI(url);
        } catch (URISyntaxException e) {
            causes.add(Cause.invalid(at, url, "url must be a valid URL: " + e.getReason() + URL_FORM));
            return;
        }
        if (!"https".equals(uri.getScheme())) {
            causes.add(Cause.invalid(
                    at, String.valueOf(uri.getScheme()), "'https' is the only allowed URL scheme" + URL_FORM));
        }
        if (uri.getHost() == null) {
            causes.add(Cause.invalid(at, "", "host must be specified" + URL_FORM));
        }
        if (uri.getRawUserInfo() != null) {
            causes.add(Cause.invalid(at, url, "user information is not permitted in the URL"));
        }
        if (uri.getRawFragment() != null) {
            causes.add(Cause.invalid(at, uri.getRawFragment(), "fragments are not permitted in the URL"));
        }
        if (uri.getRawQuery() != null) {
            causes.add(Cause.invalid(at, uri.getRawQuery(), "query parameters are not permitted in the URL"));
        }
    }
}
