package dev.coppice.control.resource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Names;
import dev.coppice.control.request.Statuses;
import dev.coppice.schema.Cause;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What is special about CustomResourceDefinitions (apiextensions-apiserver: validation, strategy). */
final class CustomDefinitionStrategy implements Strategy {
    static final CustomDefinitionStrategy INSTANCE = new CustomDefinitionStrategy();

    private CustomDefinitionStrategy() {}

    @Override
    public boolean generation() {
        return true;
    }

    @Override
    public void defaults(ObjectNode object) {
        ObjectNode spec = Json.child(object, "spec");
        if (spec.get("names") instanceof ObjectNode names) {
            String kind = names.path("kind").asText("");
            if (names.path("singular").asText("").isEmpty() && !kind.isEmpty()) {
                names.put("singular", kind.toLowerCase(Locale.ROOT));
            }
            if (names.path("listKind").asText("").isEmpty() && !kind.isEmpty()) {
                names.put("listKind", kind + "List");
            }
        }
        if (!spec.has("conversion")) {
            spec.putObject("conversion").put("strategy", "None");
        }
        WebhookStrategy.clientDefaults(spec.path("conversion").path("webhook").path("clientConfig"));
    }

    @Override
    public void prepareCreate(ObjectNode object) {
        ObjectNode status = object.putObject("status");
        status.putArray("conditions");
        ObjectNode accepted = status.putObject("acceptedNames");
        accepted.put("plural", "").put("kind", "");
        var stored = status.putArray("storedVersions");
        for (JsonNode v : object.path("spec").path("versions")) {
            if (v.path("storage").asBoolean(false)) {
                stored.add(v.path("name").asText());
            }
        }
    }

    @Override
    public void prepareUpdate(ObjectNode object, ObjectNode old) {
        ObjectNode status = Json.child(object, "status");
        List<String> stored = Json.list(status.path("storedVersions"));
        for (JsonNode v : object.path("spec").path("versions")) {
            String name = v.path("name").asText();
            if (v.path("storage").asBoolean(false) && !stored.contains(name)) {
                stored.add(name);
            }
        }
        status.set("storedVersions", Json.array(stored));
    }

    @Override
    public List<Cause> validate(ObjectNode object, @Nullable ObjectNode old) {
        List<Cause> causes = new ArrayList<>();
        JsonNode spec = object.path("spec");
        String group = spec.path("group").asText("");
        String plural = Json.text(spec, "names", "plural");
        String name = Json.text(object, "metadata", "name");
        if (!name.equals(plural + "." + group)) {
            causes.add(Cause.invalid("metadata.name", name, "must be spec.names.plural+\".\"+spec.group"));
        }
        if (group.isEmpty()) {
            causes.add(Cause.required("spec.group", ""));
        } else if (!Names.subdomain(group).isEmpty()) {
            Names.subdomain(group).forEach(w -> causes.add(Cause.invalid("spec.group", group, w)));
        } else if (!group.contains(".")) {
            causes.add(Cause.invalid("spec.group", group, "should be a domain with at least one dot"));
        }
        String scope = spec.path("scope").asText("");
        if (scope.isEmpty()) {
            causes.add(Cause.required("spec.scope", ""));
        } else if (!scope.equals("Cluster") && !scope.equals("Namespaced")) {
            causes.add(Statuses.unsupported("spec.scope", Statuses.quote(scope), "Cluster", "Namespaced"));
        }
        String conversion = Json.text(spec, "conversion", "strategy");
        conversion(spec.path("conversion"), conversion, causes);
        names(spec.path("names"), causes);
        DefinitionChecks checks = new DefinitionChecks(spec.path("versions"), null, causes);
        checks.names(spec.path("names"));
        checks.approved(object);
        versions(spec, old == null ? null : old.path("spec").path("versions"), object.path("status"), causes);
        return causes;
    }

    private static void conversion(JsonNode conversion, String strategy, List<Cause> causes) {
        // Kubernetes reports the places of its internal version.
        String at = "spec.conversion.webhookClientConfig";
        JsonNode webhook = conversion.path("webhook");
        switch (strategy) {
            case "None" -> {
                if (webhook.isObject()) {
                    causes.add(Cause.forbidden(at, "should not be set when strategy is not set to Webhook"));
                }
            }
            case "Webhook" -> {
                if (!webhook.path("clientConfig").isObject()) {
                    causes.add(Cause.required(at, "required when strategy is set to Webhook"));
                } else {
                    WebhookStrategy.client(webhook.path("clientConfig"), at, causes);
                }
                WebhookStrategy.versions(
                        webhook.path("conversionReviewVersions"),
                        "spec.conversion.conversionReviewVersions",
                        "v1beta1",
                        causes);
            }
            default ->
                causes.add(
                        Statuses.unsupported("spec.conversion.strategy", Statuses.quote(strategy), "None", "Webhook"));
        }
    }

    private static void names(JsonNode names, List<Cause> causes) {
        label(names, "plural", causes);
        if (!names.path("singular").asText("").isEmpty()) {
            label(names, "singular", causes);
        }
        if (names.path("kind").asText("").isEmpty()) {
            causes.add(Cause.required("spec.names.kind", ""));
        } else {
            String kind = names.path("kind").asText();
            Names.label1035(kind.toLowerCase(Locale.ROOT))
                    .forEach(w -> causes.add(Cause.invalid(
                            "spec.names.kind", kind, "may have mixed case, but should " + "otherwise match: " + w)));
        }
        int i = 0;
        for (JsonNode s : names.path("shortNames")) {
            String at = "spec.names.shortNames[" + i++ + "]";
            Names.label1035(s.asText()).forEach(w -> causes.add(Cause.invalid(at, s.asText(), w)));
        }
    }

    private static void label(JsonNode names, String field, List<Cause> causes) {
        String value = names.path(field).asText("");
        String at = "spec.names." + field;
        if (value.isEmpty()) {
            causes.add(Cause.required(at, ""));
        } else {
            Names.label1035(value).forEach(w -> causes.add(Cause.invalid(at, value, w)));
        }
    }

    private static void versions(JsonNode spec, @Nullable JsonNode before, JsonNode status, List<Cause> causes) {
        JsonNode versions = spec.path("versions");
        int storage = 0;
        int i = 0;
        for (JsonNode v : versions) {
            String at = "spec.versions[" + i + "]";
            if (v.path("storage").asBoolean(false)) {
                storage++;
            }
            String name = v.path("name").asText("");
            Names.label1035(name).forEach(w -> causes.add(Cause.invalid(at + ".name", name, w)));
            i++;
        }
        DefinitionChecks checks = new DefinitionChecks(versions, before, causes);
        checks.versions();
        if (!checks.uniqueNames()) {
            causes.add(Cause.invalidShown("spec.versions", shown(versions), "must contain unique version names"));
        }
        if (storage != 1) {
            causes.add(Cause.invalidShown(
                    "spec.versions", shown(versions), "must have exactly one version marked as storage version"));
        }
        if (status.path("storedVersions").isEmpty()) {
            causes.add(Cause.invalidShown(
                    "status.storedVersions", "[]string(nil)", "must have at least one stored version"));
        }
        checks.storedVersions(status.path("storedVersions"));
    }

    /** As Go's %#v shows the versions without their schemas. */
    private static String shown(JsonNode versions) {
        StringBuilder out = new StringBuilder("[]apiextensions.CustomResourceDefinitionVersion{");
        for (int i = 0; i < versions.size(); i++) {
            JsonNode v = versions.get(i);
            out.append(i == 0 ? "" : ", ")
                    .append("apiextensions.CustomResourceDefinitionVersion{Name:")
                    .append(Statuses.quote(v.path("name").asText()))
                    .append(", Served:")
                    .append(v.path("served").asBoolean(false))
                    .append(", Storage:")
                    .append(v.path("storage").asBoolean(false))
                    .append(", Deprecated:")
                    .append(v.path("deprecated").asBoolean(false))
                    .append(
                            ", DeprecationWarning:(*string)(nil), Schema:(*apiextensions.CustomResourceValidation)(nil), "
                                    + "Subresources:(*apiextensions.CustomResourceSubresources)(nil), AdditionalPrinterColumns:"
                                    + "[]apiextensions.CustomResourceColumnDefinition(nil), SelectableFields:"
                                    + "[]apiextensions.SelectableField(nil)}");
        }
        return out.append('}').toString();
    }

    @Override
    public List<Cause> validateUpdate(ObjectNode object, ObjectNode old) {
        List<Cause> causes = new ArrayList<>();
        JsonNode spec = object.path("spec");
        JsonNode before = old.path("spec");
        boolean established = false;
        for (JsonNode c : old.path("status").path("conditions")) {
            established |= c.path("type").asText().equals("Established")
                    && c.path("status").asText().equals("True");
        }
        if (!spec.path("group").equals(before.path("group"))) {
            causes.add(Cause.invalid("spec.group", spec.path("group").asText(), "field is immutable"));
        }
        if (!spec.path("names").path("plural").equals(before.path("names").path("plural"))) {
            causes.add(Cause.invalid("spec.names.plural", Json.text(spec, "names", "plural"), "field is immutable"));
        }
        if (established) {
            if (!spec.path("scope").equals(before.path("scope"))) {
                causes.add(Cause.invalid("spec.scope", spec.path("scope").asText(), "field is immutable"));
            }
            if (!spec.path("names").path("kind").equals(before.path("names").path("kind"))) {
                causes.add(Cause.invalid("spec.names.kind", Json.text(spec, "names", "kind"), "field is immutable"));
            }
        }
        return causes;
    }
}
