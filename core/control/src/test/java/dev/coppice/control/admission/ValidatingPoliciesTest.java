package dev.coppice.control.admission;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.control.ServedApi;
import dev.coppice.control.ServedApi.Answer;
import dev.coppice.control.runtime.Eventually;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** ValidatingAdmissionPolicies over HTTP; each test's policy is about config maps with a label of its own. */
class ValidatingPoliciesTest {
    private static final String ADMISSION = "/apis/admissionregistration.k8s.io/v1/";
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

    private static void policy(String name, String spec, String binding) throws Exception {
        String match = "\"matchConstraints\":{\"objectSelector\":{\"matchLabels\":{\"test\":\"" + name
                + "\"}},\"resourceRules\":[{\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],\"resources\":[\"configmaps\"],"
                + "\"operations\":[\"CREATE\"]}]}";
        matching(name, match, spec, binding);
    }

    private static void matching(String name, String match, String spec, String binding) throws Exception {
        Answer made = api.call(
                "POST",
                ADMISSION + "validatingadmissionpolicies",
                "{\"apiVersion\":\"admissionregistration.k8s.io/v1\",\"kind\":\"ValidatingAdmissionPolicy\",\"metadata\":"
                        + "{\"name\":\"" + name + "\"},\"spec\":{" + match + "," + spec + "}}");
        assertThat(made.code()).as(made.body().toString()).isEqualTo(201);
        made = api.call(
                "POST",
                ADMISSION + "validatingadmissionpolicybindings",
                "{\"apiVersion\":\"admissionregistration.k8s.io/v1\",\"kind\":\"ValidatingAdmissionPolicyBinding\","
                        + "\"metadata\":{\"name\":\"" + name + "\"},\"spec\":{\"policyName\":\"" + name
                        + "\",\"validationActions\":[\"Deny\"]" + binding + "}}");
        assertThat(made.code()).as(made.body().toString()).isEqualTo(201);
        var cache = Objects.requireNonNull(api.server()
                        .registry()
                        .find("admissionregistration.k8s.io", "v1", "validatingadmissionpolicybindings"))
                .cache();
        Eventually.eventually(Duration.ofSeconds(20), () -> cache.get("", name) != null);
    }

    private static Answer create(String policy, String name, String data, String... headers) throws Exception {
        return api.call(
                "POST",
                MAPS,
                "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" + name
                        + "\",\"labels\":{\"test\":\"" + policy + "\"}},\"data\":" + data + "}",
                headers);
    }

    private static String denied(String policy, String message) {
        return "ValidatingAdmissionPolicy '" + policy + "' with binding '" + policy + "' denied request: " + message;
    }

    @Test
    void whatAnExpressionFailedOfIsTold() throws Exception {
        policy("fails", "\"validations\":[{\"expression\":\"object.data.size > '3'\"}]", "");
        assertThat(create("fails", "fails", "{\"other\":\"1\"}").message())
                .endsWith(denied("fails", "expression 'object.data.size > '3'' resulted in error: no such key: size"));
    }

    @Test
    void expressionsAreCheckedAgainstTheTypesThatThePolicyNames() throws Exception {
        policy(
                "typed",
                "\"validations\":[{\"expression\":\"object.data.size() > 0 && object.metadata.name != ''\"},{\"expression\":"
                        + "\"object.spec.size > 1\",\"messageExpression\":\"object.metadata.nam\"}]",
                "");
        String path = ADMISSION + "validatingadmissionpolicies/typed";
        Eventually.eventually(
                Duration.ofSeconds(20),
                () -> api.call("GET", path, "").body().path("status").has("typeChecking"));
        var policy = api.call("GET", path, "").body();
        assertThat(policy.path("status").path("observedGeneration").asLong())
                .isEqualTo(policy.path("metadata").path("generation").asLong());
        var warnings = policy.path("status").path("typeChecking").path("expressionWarnings");
        assertThat(warnings).hasSize(2);
        assertThat(warnings.path(0).path("fieldRef").asText()).isEqualTo("spec.validations[1].expression");
        assertThat(warnings.path(0).path("warning").asText())
                .isEqualTo("/v1, Kind=ConfigMap: ERROR: <input>:1:7: undefined field 'spec'\n | object.spec.size > 1\n"
                        + " | ......^\n");
        assertThat(warnings.path(1).path("fieldRef").asText()).isEqualTo("spec.validations[1].messageExpression");
    }

    @Test
    void variablesAreEvaluatedOnlyWhenUsed() throws Exception {
        policy(
                "lazy",
                "\"variables\":[{\"name\":\"broken\",\"expression\":\"object.data.missing\"},{\"name\":\"a\",\"expression\":"
                        + "\"object.data.a\"},{\"name\":\"twice\",\"expression\":\"variables.a + variables.a\"}],"
                        + "\"validations\":[{\"expression\":\"variables.twice == 'xx' || variables.broken == ''\"}]",
                "");
        assertThat(create("lazy", "lazy-good", "{\"a\":\"x\"}").code()).isEqualTo(201);
        assertThat(create("lazy", "lazy-bad", "{\"a\":\"y\"}").message())
                .endsWith("resulted in error: composited variable \"broken\" fails to evaluate: no such key: missing");
    }

    @Test
    void aFalseConditionOutweighsOneThatFails() throws Exception {
        policy(
                "conditions",
                "\"matchConditions\":[{\"name\":\"one\",\"expression\":\"object.data.missing == ''\"},{\"name\":\"two\","
                        + "\"expression\":\"object.data.a == 'x'\"}],\"validations\":[{\"expression\":\"false\"}]",
                "");
        assertThat(create("conditions", "cond-false", "{\"a\":\"y\"}").code()).isEqualTo(201);
        assertThat(create("conditions", "cond-fails", "{\"a\":\"x\"}").code()).isEqualTo(422);
    }

    @Test
    void theAuthorizerIsAskedForWhoSentTheRequest() throws Exception {
        policy(
                "authorizer",
                "\"validations\":[{\"expression\":\"authorizer.group('').resource('secrets').namespace('default')"
                        + ".check('delete').allowed() && authorizer.requestResource.check('update').allowed()\","
                        + "\"message\":\"no right\"},{\"expression\":\"!authorizer.serviceAccount('default', 'default')"
                        + ".path('/metrics').check('get').allowed()\"}]",
                "");
        assertThat(create("authorizer", "by-admin", "{}").code()).isEqualTo(201);
        api.user("writer");
        api.call(
                "POST",
                "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles",
                "{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"Role\",\"metadata\":{\"name\":\"writer\"},"
                        + "\"rules\":[{\"apiGroups\":[\"\"],\"resources\":[\"configmaps\"],\"verbs\":[\"*\"]}]}");
        api.call(
                "POST",
                "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
                "{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"RoleBinding\",\"metadata\":{\"name\":\"writer\"},"
                        + "\"roleRef\":{\"kind\":\"Role\",\"name\":\"writer\"},\"subjects\":[{\"kind\":\"User\",\"name\":"
                        + "\"writer\"}]}");
        api.await(200, "GET", MAPS, "", "Authorization", "Bearer writer");
        Answer made = create("authorizer", "by-writer", "{}", "Authorization", "Bearer writer");
        assertThat(made.message()).endsWith(denied("authorizer", "no right"));
    }

    @Test
    void checksOfTheAuthorizerAreDear() throws Exception {
        policy(
                "dear",
                "\"validations\":[{\"expression\":\"[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,"
                        + "27,28,29,30].all(i, authorizer.path('/x').check('get').allowed())\"}]",
                "");
        assertThat(create("dear", "dear", "{}").message())
                .endsWith(
                        denied(
                                "dear",
                                "validation failed due to running out of cost budget, no further validation rules will be run"));
    }

    @Test
    void parametersThatAreMissingDenyOrAreAllowed() throws Exception {
        String kind = "\"paramKind\":{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\"},\"validations\":[{\"expression\":"
                + "\"object.data.a == params.data.a\"}]";
        policy("deny-missing", kind, ",\"paramRef\":{\"name\":\"p\",\"parameterNotFoundAction\":\"Deny\"}");
        policy("allow-missing", kind, ",\"paramRef\":{\"name\":\"p\",\"parameterNotFoundAction\":\"Allow\"}");
        assertThat(create("deny-missing", "deny-missing", "{}").message())
                .contains("no params found for policy binding with `Deny` parameterNotFoundAction");
        assertThat(create("allow-missing", "allow-missing", "{}").code()).isEqualTo(201);
        create("none", "p", "{\"a\":\"1\"}");
        api.await(
                201,
                "POST",
                MAPS,
                "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"with-param\","
                        + "\"labels\":{\"test\":\"deny-missing\"}},\"data\":{\"a\":\"1\"}}");
    }

    private static Answer event(String name, String label) throws Exception {
        return api.call(
                "POST",
                "/api/v1/namespaces/default/events",
                "{\"apiVersion\":\"v1\",\"kind\":\"Event\",\"metadata\":{\"name\":\"" + name
                        + "\",\"labels\":{\"test\":\"" + label + "\"}},\"message\":\"bad\",\"reason\":\"Tried\","
                        + "\"type\":\"Normal\",\"involvedObject\":{\"kind\":\"ConfigMap\",\"namespace\":\"default\","
                        + "\"name\":\"x\"}}");
    }

    @Test
    void anEquivalentVersionOfWhatThePolicyNamesIsSeenInThatVersion() throws Exception {
        String rules = "\"resourceRules\":[{\"apiGroups\":[\"events.k8s.io\"],\"apiVersions\":[\"v1\"],"
                + "\"resources\":[\"events\"],\"operations\":[\"CREATE\"]}]}";
        // The field note is called message in the core group.
        String spec = "\"validations\":[{\"expression\":\"object.note != 'bad'\",\"message\":\"a bad note\"}]";
        String match =
                "\"matchConstraints\":{\"matchPolicy\":\"%s\",\"objectSelector\":{\"matchLabels\":{\"test\":\"%s\"}},";
        matching("equivalent", match.formatted("Equivalent", "equivalent") + rules, spec, "");
        matching("exact", match.formatted("Exact", "exact") + rules, spec, "");
        Answer refused = event("seen-as-another", "equivalent");
        assertThat(refused.code()).as(refused.body().toString()).isEqualTo(422);
        assertThat(refused.message()).endsWith(denied("equivalent", "a bad note"));
        assertThat(event("not-seen", "exact").code()).isEqualTo(201);
    }
}
