package dev.coppice.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Random requests, most of them nearly valid: whatever comes in, nothing is thrown. Prints its seed when it fails. */
class RequestFuzzTest {
    private static final int ROUNDS = 400;
    private static final String MAPS = "/api/v1/namespaces/default/configmaps";
    private static final String THINGS = "/apis/fuzz.test/v1/things";
    private static final String CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    private static final String DEFINITION =
            "{\"apiVersion\":\"apiextensions.k8s.io/v1\",\"kind\":\"CustomResourceDefinition\",\"metadata\":{\"name\":"
                    + "\"things.fuzz.test\"},\"spec\":{\"group\":\"fuzz.test\",\"scope\":\"Cluster\",\"names\":{\"plural\":"
                    + "\"things\",\"kind\":\"Thing\"},\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true,"
                    + "\"subresources\":{\"status\":{},\"scale\":{\"specReplicasPath\":\".spec.replicas\","
                    + "\"statusReplicasPath\":\".status.replicas\"}},\"selectableFields\":[{\"jsonPath\":\".spec.size\"}],"
                    + "\"additionalPrinterColumns\":[{\"name\":\"Size\",\"type\":\"string\",\"jsonPath\":\".spec.size\"}],"
                    + "\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\",\"properties\":{\"spec\":{\"type\":\"object\","
                    + "\"x-kubernetes-validations\":[{\"rule\":\"!has(self.tags) || self.tags.all(t, t.name.size() < 9)\"},"
                    + "{\"rule\":\"self.size != 'none' || self.replicas / (self.replicas - 3) > -9\"}],\"properties\":{"
                    + "\"size\":{\"type\":\"string\",\"default\":\"m\",\"pattern\":\"^[a-z]*$\"},\"replicas\":{\"type\":"
                    + "\"integer\",\"minimum\":0},\"port\":{\"x-kubernetes-int-or-string\":true},\"free\":{\"type\":"
                    + "\"object\",\"x-kubernetes-preserve-unknown-fields\":true},\"tags\":{\"type\":\"array\","
                    + "\"x-kubernetes-list-type\":\"map\",\"x-kubernetes-list-map-keys\":[\"name\"],\"items\":{\"type\":"
                    + "\"object\",\"required\":[\"name\"],\"properties\":{\"name\":{\"type\":\"string\"},\"value\":{\"type\":"
                    + "\"number\"}}}}}},\"status\":{\"type\":\"object\",\"properties\":{\"replicas\":{\"type\":"
                    + "\"integer\"}}}}}}}]}}";
    private static final String THING =
            "{\"apiVersion\":\"fuzz.test/v1\",\"kind\":\"Thing\",\"metadata\":{\"name\":\"a\","
                    + "\"labels\":{\"l\":\"v\"},\"finalizers\":[],\"ownerReferences\":[]},\"spec\":{\"size\":\"none\",\"replicas\":4,"
                    + "\"port\":\"http\",\"free\":{\"x\":[1,{}]},\"tags\":[{\"name\":\"one\",\"value\":1.5},{\"name\":\"two\"}]}}";
    private static final String POLICY = "{\"apiVersion\":\"admissionregistration.k8s.io/v1\",\"kind\":"
            + "\"ValidatingAdmissionPolicy\",\"metadata\":{\"name\":\"p\"},\"spec\":{\"paramKind\":{\"apiVersion\":\"v1\","
            + "\"kind\":\"ConfigMap\"},\"matchConstraints\":{\"resourceRules\":[{\"apiGroups\":[\"\"],\"apiVersions\":"
            + "[\"v1\"],\"resources\":[\"configmaps\"],\"operations\":[\"*\"]}]},\"variables\":[{\"name\":\"v\",\"expression\":"
            + "\"object.data\"}],\"validations\":[{\"expression\":\"variables.v.size() < 100\"}]}}";
    private static final List<String> TYPES = List.of(
            "application/json-patch+json",
            "application/merge-patch+json",
            "application/strategic-merge-patch+json",
            "application/apply-patch+yaml");
    private static final String CHARACTERS = "ab1=!,()<>.-_/ :*~\"'\\[]{}\u00e9\u0000";
    private static final String CEL =
            "object.data spec 1 'a' [ ] { } ( ) . , ? : == + - * / % in && || ! has all map x dyn"
                    + " quantity url ip cidr matches '((a*)*)*' size oldObject request params";

    @TempDir
    static Path directory;

    private static ServedApi api;

    private final long seed = Long.getLong("coppice.seed", System.nanoTime());
    private final Random random = new Random(seed);

    @BeforeAll
    static void start() throws Exception {
        api = new ServedApi(directory);
        assertThat(api.call("POST", CRDS, DEFINITION).code()).isEqualTo(201);
        api.await(201, "POST", THINGS, THING);
        api.call(
                "POST",
                MAPS,
                "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"v\"}}");
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    private void send(String method, String path, String body, String... headers) throws Exception {
        ServedApi.Answer answer = api.call(method, path, body, headers);
        // Some mistakes of users have 500 in Kubernetes too, but no reason; what is thrown here has InternalError.
        assertThat(answer.code() < 500 || answer.body().path("reason").isMissingNode())
                .as(
                        "seed %d: %s %s %s %s -> %s",
                        seed,
                        method,
                        path,
                        List.of(headers),
                        body.length() > 2000 ? body.length() : body,
                        answer.body())
                .isTrue();
    }

    @Test
    void bodiesAreTakenOrRefused() throws Exception {
        for (int i = 0; i < ROUNDS; i++) {
            String valid = pick(List.of(THING, POLICY, DEFINITION.replace("things.fuzz", "others.fuzz")));
            String body = random.nextBoolean() ? mutated(Json.parse(valid)).toString() : broken(valid);
            String path = valid.equals(THING)
                    ? THINGS
                    : valid.equals(POLICY) ? "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies" : CRDS;
            String query = "?dryRun=All&fieldValidation=" + pick(List.of("Strict", "Warn", "Ignore", "x"));
            if (path.equals(THINGS) && random.nextBoolean()) {
                send("PUT", THINGS + "/a" + pick(List.of("", "/status", "/scale")) + query, body);
            } else {
                send("POST", path + query, body);
            }
        }
    }

    @Test
    void patchesAreTakenOrRefused() throws Exception {
        List<String> operations = List.of("add", "remove", "replace", "move", "copy", "test", "eat");
        for (int i = 0; i < ROUNDS; i++) {
            String type = pick(TYPES);
            String body;
            if (type.startsWith("application/json-patch")) {
                ArrayNode patch = Json.array();
                for (int n = random.nextInt(4); n >= 0; n--) {
                    ObjectNode op =
                            patch.addObject().put("op", pick(operations)).put("path", pointer());
                    op.set("value", value(2));
                    op.put("from", pointer());
                }
                body = patch.toString();
            } else {
                body = mutated(Json.parse(
                                random.nextBoolean()
                                        ? THING
                                        : "{\"spec\":{\"tags\":[{\"$patch\":\"delete\",\"name\":\"one\"}]}}"))
                        .toString();
            }
            String path = random.nextBoolean() ? MAPS + "/a" : THINGS + "/a" + pick(List.of("", "/status", "/scale"));
            send(
                    "PATCH",
                    path + "?dryRun=All&fieldManager=f" + pick(List.of("", "&force=true", "&force=x")),
                    random.nextInt(4) == 0 ? broken(body) : body,
                    "Content-Type",
                    type);
        }
    }

    @Test
    void selectorsAndOptionsAreTakenOrRefused() throws Exception {
        List<String> names = List.of(
                "labelSelector",
                "fieldSelector",
                "limit",
                "continue",
                "resourceVersion",
                "resourceVersionMatch",
                "timeoutSeconds",
                "pretty",
                "dryRun");
        for (int i = 0; i < ROUNDS; i++) {
            String query = "?watch=false&" + pick(names) + "=" + encoded(text(CHARACTERS, 20)) + "&" + pick(names) + "="
                    + encoded(text(CHARACTERS, 8));
            send(
                    "GET",
                    pick(List.of(MAPS, THINGS)) + query,
                    "",
                    "Accept",
                    pick(List.of(
                            "application/json",
                            "application/json;as=Table;v=v1;g=meta.k8s.io",
                            "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json",
                            "application/yaml",
                            "application/json;as=;;q=,")));
        }
    }

    @Test
    void expressionsAreTakenOrRefused() throws Exception {
        List<String> words = List.of(CEL.split(" "));
        for (int i = 0; i < ROUNDS / 2; i++) {
            StringBuilder source = new StringBuilder();
            for (int n = random.nextInt(12); n >= 0; n--) {
                source.append(pick(words)).append(random.nextBoolean() ? "" : " ");
            }
            ObjectNode policy = Json.parse(POLICY);
            ((ObjectNode) policy.path("spec").path("validations").get(0)).put("expression", source.toString());
            send(
                    "POST",
                    "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies?dryRun=All",
                    policy.toString());
        }
    }

    @Test
    void protobufIsTakenOrRefused() throws Exception {
        for (int i = 0; i < ROUNDS; i++) {
            StringBuilder body = new StringBuilder(random.nextInt(8) == 0 ? "" : "k8s\0");
            for (int n = random.nextInt(60); n >= 0; n--) {
                body.append(
                        (char) (random.nextBoolean() ? pick(List.of(10, 18, 8, 2, 1, 26, 4)) : random.nextInt(128)));
            }
            send("POST", MAPS + "?dryRun=All", body.toString(), "Content-Type", "application/vnd.kubernetes.protobuf");
        }
    }

    // ---- randomness

    private <T> T pick(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    private String text(String characters, int longest) {
        StringBuilder text = new StringBuilder();
        for (int n = random.nextInt(longest); n > 0; n--) {
            text.append(characters.charAt(random.nextInt(characters.length())));
        }
        return text.toString();
    }

    private String pointer() {
        return pick(List.of(
                "",
                "/",
                "/spec",
                "/spec/tags/0",
                "/spec/tags/-",
                "/metadata/name",
                "/spec/free/x/9",
                "/~2",
                "x",
                "/metadata/managedFields/0",
                "/data/k",
                "/metadata",
                "/kind"));
    }

    private JsonNode value(int depth) {
        return switch (random.nextInt(depth > 0 ? 9 : 7)) {
            case 0 -> Json.mapper().getNodeFactory().nullNode();
            case 1 -> Json.mapper().getNodeFactory().booleanNode(random.nextBoolean());
            case 2 -> Json.mapper().getNodeFactory().numberNode(random.nextLong());
            case 3 -> Json.mapper().getNodeFactory().numberNode(random.nextDouble() * Math.pow(10, random.nextInt(40)));
            case 4 -> Json.mapper().getNodeFactory().textNode(text(CHARACTERS, 12));
            case 5 -> Json.mapper().getNodeFactory().textNode("");
            case 6 -> Json.mapper().getNodeFactory().numberNode(new java.math.BigInteger("9".repeat(30)));
            case 7 -> Json.array().add(value(depth - 1)).add(value(depth - 1));
            default -> Json.object().<ObjectNode>set(text("abc$", 4), value(depth - 1));
        };
    }

    /** A tree with some values replaced, removed or added. */
    private JsonNode mutated(ObjectNode tree) {
        for (int n = 1 + random.nextInt(3); n > 0; n--) {
            List<JsonNode> all = new ArrayList<>();
            collect(tree, all);
            JsonNode at = pick(all);
            if (at instanceof ObjectNode object && !object.isEmpty()) {
                List<String> names = new ArrayList<>();
                object.fieldNames().forEachRemaining(names::add);
                String name = pick(names);
                switch (random.nextInt(3)) {
                    case 0 -> object.remove(name);
                    case 1 -> object.set(name, value(2));
                    default -> object.set(text("abcd$.", 5), value(2));
                }
            } else if (at instanceof ArrayNode array) {
                array.add(
                        random.nextBoolean() && !array.isEmpty() ? array.get(0).deepCopy() : value(2));
            }
        }
        return tree;
    }

    private static void collect(JsonNode node, List<JsonNode> all) {
        if (node.isContainerNode()) {
            all.add(node);
            node.forEach(child -> collect(child, all));
        }
    }

    /** A text with some characters lost, doubled or changed. */
    private String broken(String text) {
        StringBuilder result = new StringBuilder(text);
        for (int n = 1 + random.nextInt(3); n > 0 && result.length() > 2; n--) {
            int at = random.nextInt(result.length() - 1);
            switch (random.nextInt(3)) {
                case 0 -> result.deleteCharAt(at);
                case 1 -> result.insert(at, result.charAt(at));
                default -> result.setCharAt(at, CHARACTERS.charAt(random.nextInt(CHARACTERS.length())));
            }
        }
        return result.toString();
    }
}
