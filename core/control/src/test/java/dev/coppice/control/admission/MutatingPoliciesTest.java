package dev.coppice.control.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.control.ServedApi;
import dev.coppice.control.ServedApi.Answer;
import dev.coppice.control.runtime.Eventually;
import dev.coppice.control.webhook.WebhookServer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** MutatingAdmissionPolicies over HTTP; each test's policies are about objects with a label of its own. */
class MutatingPoliciesTest {
    private static final String ADMISSION = "/apis/admissionregistration.k8s.io/";
    private static final String MAPS = "/api/v1/namespaces/default/configmaps";

    @TempDir
    static Path directory;

    private static ServedApi api;

    @BeforeAll
    static void start() throws Exception {
        api = new ServedApi(directory);
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    private static String apply(String expression) {
        return "{\"patchType\":\"ApplyConfiguration\",\"applyConfiguration\":{\"expression\":\""
                + expression.replace("\"", "\\\"") + "\"}}";
    }

    private static String patch(String expression) {
        return "{\"patchType\":\"JSONPatch\",\"jsonPatch\":{\"expression\":\"" + expression + "\"}}";
    }

    private static String spec(String label, String resource, String mutations, String more) {
        return "{\"matchConstraints\":{\"objectSelector\":{\"matchLabels\":{\"test\":\"" + label
                + "\"}},\"resourceRules\":[{\"apiGroups\":[\"*\"],\"apiVersions\":[\"*\"],\"resources\":[\"" + resource
                + "\"],\"operations\":[\"CREATE\",\"UPDATE\"]}]},\"mutations\":[" + mutations + "]" + more + "}";
    }

    /** A policy with a binding, once it is in force. */
    private static void policy(String name, String label, String mutations, String more, String binding)
            throws Exception {
        String spec = spec(label, "configmaps", mutations, more);
        bound(name, "v1beta1", spec.contains("reinvocationPolicy") ? spec : never(spec), binding);
    }

    private static String never(String spec) {
        return spec.substring(0, spec.length() - 1) + ",\"reinvocationPolicy\":\"Never\"}";
    }

    private static void bound(String name, String version, String spec, String binding) throws Exception {
        made(version, "MutatingAdmissionPolicy", "mutatingadmissionpolicies", name, spec);
        made(
                version,
                "MutatingAdmissionPolicyBinding",
                "mutatingadmissionpolicybindings",
                name,
                "{\"policyName\":\"" + name + "\"" + binding + "}");
        var cache = Objects.requireNonNull(api.server()
                        .registry()
                        .find("admissionregistration.k8s.io", "v1beta1", "mutatingadmissionpolicybindings"))
                .cache();
        Eventually.eventually(Duration.ofSeconds(20), () -> cache.get("", name) != null);
    }

    private static void made(String version, String kind, String plural, String name, String spec) throws Exception {
        Answer made = api.call(
                "POST",
                ADMISSION + version + "/" + plural,
                "{\"apiVersion\":\"admissionregistration.k8s.io/" + version + "\",\"kind\":\"" + kind
                        + "\",\"metadata\":{\"name\":\"" + name + "\"},\"spec\":" + spec + "}");
        assertThat(made.code()).as(made.body().toString()).isEqualTo(201);
    }

    private static Answer create(String label, String name, String data) throws Exception {
        return api.call(
                "POST",
                MAPS,
                "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" + name
                        + "\",\"labels\":{\"test\":\"" + label + "\"}},\"data\":" + data + "}");
    }

    private static String data(Answer answer) {
        assertThat(answer.code()).as(answer.body().toString()).isEqualTo(201);
        return answer.body().path("data").toString();
    }

    @Test
    void applyConfigurationsAndPatchesChangeOneAfterTheOther() throws Exception {
        policy(
                "both",
                "both",
                apply("Object{metadata: Object.metadata{annotations: {'by/us': variables.who}}, data: {'a': '1'}}")
                        + ","
                        + patch(
                                "[JSONPatch{op: 'test', path: '/data/a', value: '1'}, JSONPatch{op: 'copy', from: '/data/a',"
                                        + " path: '/data/b'}, JSONPatch{op: 'add', path: '/metadata/annotations/' +"
                                        + " jsonpatch.escapeKey('a/b'), value: object.data.a + '!'}]"),
                ",\"variables\":[{\"name\":\"who\",\"expression\":\"request.userInfo.username\"}]",
                "");
        Answer made = create("both", "both", "{\"own\":\"0\"}");
        assertThat(data(made)).isEqualTo("{\"own\":\"0\",\"a\":\"1\",\"b\":\"1\"}");
        assertThat(made.body().path("metadata").path("annotations").toString())
                .isEqualTo("{\"by/us\":\"admin\",\"a/b\":\"1!\"}");
        JsonNode stored = api.call("GET", MAPS + "/both", "").body();
        assertThat(stored.path("data").path("b").asText()).isEqualTo("1");
        // What a policy sets belongs to nobody.
        assertThat(stored.path("metadata").path("managedFields").toString()).doesNotContain("f:b", "by/us");
        Answer changed = api.call(
                "PATCH", MAPS + "/both", "{\"data\":{\"b\":null}}", "Content-Type", "application/merge-patch+json");
        assertThat(changed.body().path("data").path("b").asText()).isEqualTo("1");
    }

    @Test
    void aTestThatFailsLeavesTheObjectAndAnotherOperationRefuses() throws Exception {
        policy(
                "tested",
                "tested",
                patch("[JSONPatch{op: 'test', path: '/data/a', value: 'x'}, JSONPatch{op: 'remove',"
                        + " path: '/data/a'}]"),
                "",
                "");
        assertThat(data(create("tested", "tested", "{\"a\":\"1\"}"))).isEqualTo("{\"a\":\"1\"}");
        policy("missing", "missing", patch("[JSONPatch{op: 'remove', path: '/data/none'}]"), "", "");
        Answer refused = create("missing", "missing", "{\"a\":\"1\"}");
        assertThat(refused.code()).isEqualTo(403);
        assertThat(refused.body().path("reason").asText()).isEqualTo("Invalid");
        assertThat(refused.message())
                .startsWith("policy 'missing' with binding 'missing' denied request: JSONPath: ")
                .contains("none");
    }

    @Test
    void allPoliciesThatFailAreToldTogetherButThoseThatDoNotInsist() throws Exception {
        policy("fail-a", "failing", apply("Object{metadata: Object.metadata{name: object.data.missing}}"), "", "");
        policy("fail-b", "failing", apply("Object{metadata: Object.data{labels: {}}}"), "", "");
        policy("fail-c", "failing", apply("Object{data: {'c': '1'}, none: 1}"), "", "");
        policy("fail-d", "failing", apply("Object{data: object.data.gone}"), ",\"failurePolicy\":\"Ignore\"", "");
        Answer refused = create("failing", "failing", "{\"own\":\"1\"}");
        assertThat(refused.code()).isEqualTo(403);
        assertThat(refused.message())
                .isEqualTo("policy 'fail-a' with binding 'fail-a' denied request: expression 'Object{metadata:"
                        + " Object.metadata{name: object.data.missing}}' resulted in error: no such key: missing");
        String causes = refused.body().path("details").path("causes").toString();
        assertThat(causes)
                .contains("type mismatch: unexpected type name \\\"Object.data\\\", expected \\\"Object.metadata\\\"")
                .contains(
                        "error applying patch: failed to convert patch object to typed object: .none: field not declared"
                                + " in schema")
                .doesNotContain("fail-d");
        assertThat(refused.body().path("details").path("causes")).hasSize(3);
    }

    @Test
    void conditionsAndParametersDecide() throws Exception {
        create("none", "colours", "{\"colour\":\"red\"}");
        policy(
                "param",
                "param",
                apply("Object{data: {'colour': params.data.colour}}"),
                ",\"paramKind\":{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\"},\"matchConditions\":[{\"name\":\"c\","
                        + "\"expression\":\"!('keep' in object.data)\"}]",
                ",\"paramRef\":{\"name\":\"colours\",\"namespace\":\"default\",\"parameterNotFoundAction\":\"Deny\"}");
        assertThat(data(create("param", "param-1", "{\"a\":\"1\"}"))).isEqualTo("{\"a\":\"1\",\"colour\":\"red\"}");
        assertThat(data(create("param", "param-2", "{\"keep\":\"1\"}"))).isEqualTo("{\"keep\":\"1\"}");
        policy(
                "nothing",
                "nothing",
                apply("Object{data: {'colour': params.data.colour}}"),
                ",\"paramKind\":{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\"}",
                ",\"paramRef\":{\"name\":\"nobody\",\"parameterNotFoundAction\":\"Deny\"}");
        assertThat(create("nothing", "nothing", "{}").message())
                .isEqualTo(
                        "policy 'nothing' with binding 'nothing' denied request: failed to configure binding: no params"
                                + " found for policy binding with `Deny` parameterNotFoundAction");
    }

    @Test
    void aPolicyIsAskedAgainWhenOthersChangedTheObjectAfterIt() throws Exception {
        String count =
                "[JSONPatch{op: 'add', path: '/data/%1$s', value: (has(object.data.%1$s) ? object.data.%1$s : '') + 'x'"
                        + "}]";
        policy("again-a", "again", patch(count.formatted("a")), ",\"reinvocationPolicy\":\"IfNeeded\"", "");
        policy("again-b", "again", patch(count.formatted("b")), ",\"reinvocationPolicy\":\"Never\"", "");
        assertThat(data(create("again", "again", "{\"o\":\"1\"}"))).isEqualTo("{\"o\":\"1\",\"a\":\"xx\",\"b\":\"x\"}");
        policy("once", "once", patch(count.formatted("a")), ",\"reinvocationPolicy\":\"IfNeeded\"", "");
        assertThat(data(create("once", "once", "{\"o\":\"1\"}"))).isEqualTo("{\"o\":\"1\",\"a\":\"x\"}");
    }

    @Test
    void webhooksComeAfterPoliciesAndMayMakeThemRunAgain() throws Exception {
        try (WebhookServer hooks =
                new WebhookServer(api.kernel(), directory.resolve("pki"), "127.0.0.1", "hook.default.svc")) {
            hooks.on("/h", r -> WebhookServer.patch("[{\"op\":\"add\",\"path\":\"/data/hook\",\"value\":\"1\"}]"));
            policy(
                    "hooked",
                    "hooked",
                    apply("Object{data: {'seen': has(object.data.hook) ? 'hook' : 'nothing'}}"),
                    ",\"reinvocationPolicy\":\"IfNeeded\"",
                    "");
            Answer made = api.call(
                    "POST",
                    ADMISSION + "v1/mutatingwebhookconfigurations",
                    "{\"apiVersion\":\"admissionregistration.k8s.io/v1\",\"kind\":\"MutatingWebhookConfiguration\","
                            + "\"metadata\":{\"name\":\"hooked\"},\"webhooks\":[{\"name\":\"a.hooks.test\",\"clientConfig\":"
                            + hooks.clientConfig("/h") + ",\"rules\":[{\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],"
                            + "\"resources\":[\"configmaps\"],\"operations\":[\"CREATE\"]}],\"objectSelector\":"
                            + "{\"matchLabels\":{\"test\":\"hooked\"}},\"sideEffects\":\"None\","
                            + "\"admissionReviewVersions\":[\"v1\"]}]}");
            assertThat(made.code()).isEqualTo(201);
            var cache = Objects.requireNonNull(api.server()
                            .registry()
                            .find("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations"))
                    .cache();
            Eventually.eventually(Duration.ofSeconds(20), () -> cache.get("", "hooked") != null);
            assertThat(data(create("hooked", "hooked", "{\"o\":\"1\"}")))
                    .isEqualTo("{\"o\":\"1\",\"seen\":\"hook\",\"hook\":\"1\"}");
            JsonNode asked = hooks.asked().getFirst().path("request").path("object");
            assertThat(asked.path("data").path("seen").asText()).isEqualTo("nothing");
        } finally {
            api.call("DELETE", ADMISSION + "v1/mutatingwebhookconfigurations/hooked", "");
        }
    }

    @Test
    void whatAPolicyMakesIsValidatedAndAtomicsAndNamesAreKept() throws Exception {
        policy("bad-key", "bad-key", apply("Object{data: {'a b': '1'}}"), "", "");
        assertThat(create("bad-key", "bad-key", "{}").code()).isEqualTo(422);
        policy("renames", "renames", patch("[JSONPatch{op: 'replace', path: '/metadata/name', value: 'x'}]"), "", "");
        assertThat(create("renames", "renames", "{}").message()).contains("changes metadata.name, which none may");
        bound(
                "sets",
                "v1alpha1",
                never(spec(
                        "sets", "secrets", apply("Object{metadata: Object.metadata{finalizers: ['b.test/b']}}"), "")),
                "");
        Answer held = api.call(
                "POST",
                "/api/v1/namespaces/default/secrets",
                "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"sets\",\"labels\":{\"test\":\"sets\"},"
                        + "\"finalizers\":[\"a.test/a\"]}}");
        assertThat(held.body().path("metadata").path("finalizers").toString())
                .as(held.body().toString())
                .isEqualTo("[\"a.test/a\",\"b.test/b\"]");
        bound(
                "atomics",
                "v1alpha1",
                never(spec(
                        "atomics",
                        "serviceaccounts",
                        apply("Object{imagePullSecrets: [Object.imagePullSecrets{name: 'n'}]}"),
                        "")),
                "");
        Answer account = api.call(
                "POST",
                "/api/v1/namespaces/default/serviceaccounts",
                "{\"apiVersion\":\"v1\",\"kind\":\"ServiceAccount\",\"metadata\":{\"name\":\"atomics\",\"labels\":"
                        + "{\"test\":\"atomics\"}}}");
        assertThat(account.message())
                .contains(
                        "error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs:"
                                + " .imagePullSecrets");
    }

    @Test
    void policiesAreCheckedWhenTheyAreMade() throws Exception {
        Answer refused = api.call(
                "POST",
                ADMISSION + "v1beta1/mutatingadmissionpolicies",
                "{\"apiVersion\":\"admissionregistration.k8s.io/v1beta1\",\"kind\":\"MutatingAdmissionPolicy\",\"metadata\":"
                        + "{\"name\":\"wrong\"},\"spec\":{\"matchConstraints\":{\"resourceRules\":[{\"apiGroups\":[\"\"],"
                        + "\"apiVersions\":[\"v1\"],\"resources\":[\"configmaps\"],\"operations\":[\"DELETE\"]}]},"
                        + "\"mutations\":[{\"patchType\":\"other\"},{\"patchType\":\"JSONPatch\",\"applyConfiguration\":"
                        + "{\"expression\":\"1\"}}," + apply("{'a': 1}") + "," + patch("[Object{}]") + ","
                        + apply("Object{a: b}")
                        + "]}}");
        assertThat(refused.code()).isEqualTo(422);
        assertThat(refused.message())
                .contains(
                        "spec.matchConstraints.resourceRules.operations: Unsupported value: \"DELETE\": supported values:"
                                + " \"*\", \"CONNECT\", \"CREATE\", \"UPDATE\"",
                        "spec.mutations[0].patchType: Unsupported value: \"other\": supported values: \"ApplyConfiguration\","
                                + " \"JSONPatch\"",
                        "spec.mutations[1].jsonPatch: Required value: must be specified when patchType is JSONPatch",
                        "spec.mutations[1].applyConfiguration: Invalid value: \"{applyConfiguration}\": must not be specified"
                                + " when patchType is JSONPatch",
                        "spec.mutations[2].applyConfiguration.expression: Invalid value: \"{'a': 1}\": must evaluate to Object",
                        "spec.mutations[3].jsonPatch.expression: Invalid value: \"[Object{}]\": must evaluate to"
                                + " list(JSONPatch)",
                        "undeclared reference to 'b'",
                        "spec.reinvocationPolicy: Required value");
    }

    @Test
    void allVersionsServeTheSamePolicies() throws Exception {
        bound("versions", "v1alpha1", never(spec("versions", "configmaps", apply("Object{data: {'v': '1'}}"), "")), "");
        JsonNode newer = api.call("GET", ADMISSION + "v1beta1/mutatingadmissionpolicies/versions", "")
                .body();
        assertThat(newer.path("apiVersion").asText()).isEqualTo("admissionregistration.k8s.io/v1beta1");
        assertThat(newer.path("spec").path("failurePolicy").asText()).isEqualTo("Fail");
        assertThat(newer.path("spec")
                        .path("matchConstraints")
                        .path("matchPolicy")
                        .asText())
                .isEqualTo("Equivalent");
        JsonNode older = api.call("GET", ADMISSION + "v1alpha1/mutatingadmissionpolicies/versions", "")
                .body();
        assertThat(older.path("apiVersion").asText()).isEqualTo("admissionregistration.k8s.io/v1alpha1");
        assertThat(older.path("spec")).isEqualTo(newer.path("spec"));
        assertThat(api.call("GET", ADMISSION + "v1/mutatingadmissionpolicies/versions", "")
                        .body()
                        .path("spec"))
                .isEqualTo(newer.path("spec"));
        assertThat(data(create("versions", "versions", "{}"))).isEqualTo("{\"v\":\"1\"}");
    }
}
