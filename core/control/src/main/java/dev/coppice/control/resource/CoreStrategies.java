package dev.coppice.control.resource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Names;
import dev.coppice.control.request.Statuses;
import dev.coppice.schema.Cause;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** What is special about the kinds of the core group. */
final class CoreStrategies {
    private static final int MAX_DATA_BYTES = 1024 * 1024;
    private static final String IMMUTABLE = "field is immutable when `immutable` is set";

    private CoreStrategies() {}

    static final Strategy CONFIG_MAP = new Strategy() {
        @Override
        public List<Cause> validate(ObjectNode object) {
            List<Cause> causes = new ArrayList<>();
            long size = 0;
            JsonNode binary = object.path("binaryData");
            for (var e : object.path("data").properties()) {
                Names.configKey(e.getKey())
                        .forEach(w -> causes.add(Cause.invalid("data[" + e.getKey() + "]", e.getKey(), w)));
                if (binary.has(e.getKey())) {
                    causes.add(Cause.invalid(
                            "data[" + e.getKey() + "]", e.getKey(), "duplicate of key present in binaryData"));
                }
                size += e.getValue().asText().length();
            }
            for (var e : binary.properties()) {
                Names.configKey(e.getKey())
                        .forEach(w -> causes.add(Cause.invalid("binaryData[" + e.getKey() + "]", e.getKey(), w)));
                size += e.getValue().asText().length() * 3L / 4;
            }
            if (size > MAX_DATA_BYTES) {
                causes.add(Cause.tooLong("", MAX_DATA_BYTES));
            }
            return causes;
        }

        @Override
        public List<Cause> validateUpdate(ObjectNode object, ObjectNode old) {
            return immutable(object, old, "data", "binaryData");
        }
    };

    private static List<Cause> immutable(ObjectNode object, ObjectNode old, String... fields) {
        List<Cause> causes = new ArrayList<>();
        if (old.path("immutable").asBoolean(false)) {
            if (!object.path("immutable").asBoolean(false)) {
                causes.add(Cause.forbidden("immutable", IMMUTABLE));
            }
            for (String field : fields) {
                if (!object.path(field).equals(old.path(field))) {
                    causes.add(Cause.forbidden(field, IMMUTABLE));
                }
            }
        }
        return causes;
    }

    static final Strategy SECRET = new Strategy() {
        @Override
        public void defaults(ObjectNode object) {
            if (object.path("type").asText("").isEmpty()) {
                object.put("type", "Opaque");
            }
            JsonNode clear = object.remove("stringData");
            if (clear instanceof ObjectNode && !clear.isEmpty()) {
                ObjectNode data = Json.child(object, "data");
                clear.properties()
                        .forEach(e -> data.put(
                                e.getKey(),
                                Base64.getEncoder()
                                        .encodeToString(e.getValue().asText().getBytes(StandardCharsets.UTF_8))));
            }
        }

        @Override
        public List<Cause> validate(ObjectNode object) {
            List<Cause> causes = new ArrayList<>();
            long size = 0;
            for (var e : object.path("data").properties()) {
                String at = "data[" + e.getKey() + "]";
                Names.configKey(e.getKey()).forEach(w -> causes.add(Cause.invalid(at, e.getKey(), w)));
                size += e.getValue().asText().length() * 3L / 4;
            }
            if (size > MAX_DATA_BYTES) {
                causes.add(Cause.tooLong("data", MAX_DATA_BYTES));
            }
            switch (object.path("type").asText()) {
                case "kubernetes.io/tls" -> required(object, causes, "tls.crt", "tls.key");
                case "kubernetes.io/dockerconfigjson" -> required(object, causes, ".dockerconfigjson");
                case "kubernetes.io/dockercfg" -> required(object, causes, ".dockercfg");
                case "kubernetes.io/ssh-auth" -> required(object, causes, "ssh-privatekey");
                case "kubernetes.io/basic-auth" -> {
                    if (!object.path("data").has("username")
                            && !object.path("data").has("password")) {
                        causes.add(Cause.required("data[username]", ""));
                        causes.add(Cause.required("data[password]", ""));
                    }
                }
                case "kubernetes.io/service-account-token" -> {
                    if (object.path("metadata")
                            .path("annotations")
                            .path("kubernetes.io/service-account.name")
                            .asText("")
                            .isEmpty()) {
                        causes.add(Cause.required("metadata.annotations[kubernetes.io/service-account.name]", ""));
                    }
                }
                default -> {}
            }
            return causes;
        }

        private void required(ObjectNode object, List<Cause> causes, String... keys) {
            for (String key : keys) {
                if (!object.path("data").has(key)) {
                    causes.add(Cause.required("data[" + key + "]", ""));
                }
            }
        }

        @Override
        public List<Cause> validateUpdate(ObjectNode object, ObjectNode old) {
            List<Cause> causes = new ArrayList<>();
            String type = object.path("type").asText();
            if (!type.equals(old.path("type").asText())) {
                causes.add(Cause.invalid("type", type, "field is immutable"));
            }
            causes.addAll(immutable(object, old, "data"));
            return causes;
        }
    };

    static final Strategy NAMESPACE = new Strategy() {
        @Override
        public void defaults(ObjectNode object) {
            String name = Json.text(object, "metadata", "name");
            if (!name.isEmpty()) {
                Json.child(Json.metadata(object), "labels").put("kubernetes.io/metadata.name", name);
            }
            ObjectNode status = Json.child(object, "status");
            if (status.path("phase").asText("").isEmpty()) {
                status.put("phase", "Active");
            }
        }

        @Override
        public void prepareCreate(ObjectNode object) {
            object.putObject("status").put("phase", "Active");
            ObjectNode spec = Json.child(object, "spec");
            List<String> finalizers = Json.list(spec.path("finalizers"));
            if (!finalizers.contains("kubernetes")) {
                finalizers.add("kubernetes");
            }
            spec.set("finalizers", Json.array(finalizers));
        }

        @Override
        public void prepareUpdate(ObjectNode object, ObjectNode old) {
            JsonNode finalizers = old.path("spec").path("finalizers");
            if (finalizers.isMissingNode()) {
                if (object.get("spec") instanceof ObjectNode spec) {
                    spec.remove("finalizers");
                }
            } else {
                Json.child(object, "spec").set("finalizers", finalizers.deepCopy());
            }
        }
    };

    static final Strategy EVENT = new Strategy() {
        @Override
        public void defaults(ObjectNode object) {
            keep(object, "eventTime");
            keep(object, "firstTimestamp");
            keep(object, "lastTimestamp");
            for (String text : List.of("reportingComponent", "reportingInstance")) {
                if (!object.has(text)) {
                    object.put(text, "");
                }
            }
            Json.child(object, "source");
            Json.child(object, "involvedObject");
        }

        private void keep(ObjectNode object, String name) {
            if (!object.has(name)) {
                object.putNull(name);
            }
        }

        @Override
        public List<Cause> validate(ObjectNode object) {
            String namespace = Json.text(object, "metadata", "namespace");
            String involved = Json.text(object, "involvedObject", "namespace");
            boolean cluster = involved.isEmpty() && (namespace.equals("default") || namespace.equals("kube-system"));
            if (!cluster && !namespace.equals(involved)) {
                return List.of(Cause.invalid("involvedObject.namespace", involved, "does not match event.namespace"));
            }
            return List.of();
        }

        @Override
        public boolean createOnUpdate() {
            return true;
        }
    };

    static final Strategy SERVICE = new Strategy() {
        @Override
        public void defaults(ObjectNode object) {
            ObjectNode spec = Json.child(object, "spec");
            put(spec, "type", "ClusterIP");
            put(spec, "sessionAffinity", "None");
            if (!spec.path("type").asText().equals("ExternalName")) {
                put(spec, "internalTrafficPolicy", "Cluster");
                if (!spec.has("ipFamilyPolicy")) {
                    spec.put("ipFamilyPolicy", "SingleStack");
                    spec.putArray("ipFamilies").add("IPv4");
                }
            }
            for (JsonNode port : spec.path("ports")) {
                if (port instanceof ObjectNode p) {
                    put(p, "protocol", "TCP");
                    if (!p.has("targetPort") && p.has("port")) {
                        p.set("targetPort", p.get("port"));
                    }
                }
            }
            if (!object.has("status")) {
                object.putObject("status").putObject("loadBalancer");
            }
        }

        private void put(ObjectNode node, String name, String value) {
            if (node.path(name).asText("").isEmpty()) {
                node.put(name, value);
            }
        }

        @Override
        public List<Cause> validate(ObjectNode object) {
            List<Cause> causes = new ArrayList<>();
            JsonNode spec = object.path("spec");
            String type = spec.path("type").asText();
            if (!List.of("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
                    .contains(type)) {
                causes.add(Statuses.unsupported(
                        "spec.type", Statuses.quote(type), "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"));
            }
            boolean headless = spec.path("clusterIP").asText("").equals("None");
            if (spec.path("ports").isEmpty() && !type.equals("ExternalName") && !headless) {
                causes.add(Cause.required("spec.ports", ""));
            }
            int i = 0;
            for (JsonNode port : spec.path("ports")) {
                int number = port.path("port").asInt(0);
                if (number < 1 || number > 65535) {
                    causes.add(Cause.invalid(
                            "spec.ports[" + i + "].port", number, "must be between 1 and 65535, inclusive"));
                }
                if (port.path("name").asText("").isEmpty() && spec.path("ports").size() > 1) {
                    causes.add(Cause.required("spec.ports[" + i + "].name", ""));
                }
                i++;
            }
            return causes;
        }
    };

    static final Strategy RESOURCE_QUOTA = new Strategy() {
        @Override
        public void defaults(ObjectNode object) {
            Json.child(object, "spec");
            Json.child(object, "status");
        }

        @Override
        public List<Cause> validate(ObjectNode object) {
            List<Cause> causes = new ArrayList<>();
            for (var e : object.path("spec").path("hard").properties()) {
                String at = "spec.hard[" + e.getKey() + "]";
                Names.qualifiedName(e.getKey()).forEach(w -> causes.add(Cause.invalid(at, e.getKey(), w)));
                if (e.getValue().asText().startsWith("-")) {
                    causes.add(Cause.invalid(at, e.getValue().asText(), "must be greater than or equal to 0"));
                }
            }
            return causes;
        }
    };
}
