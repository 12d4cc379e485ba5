package dev.coppice.control.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.control.request.RequestPath;
import dev.coppice.serving.Identity;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.Assertions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class AuditPolicyTest {
    private static final String HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\n";
    private static final Identity KIM = new Identity("kim", "", List.of("devs", "system:authenticated"), Map.of());

    private static AuditPolicy policy(String rules) throws InvalidAuditPolicyException {
        return AuditPolicyReader.read(HEAD + rules);
    }

    private static @Nullable RequestPath at(String path) {
        List<String> parts = List.of(path.substring(1).split("/"));
        return parts.getFirst().equals("api")
                ? RequestPath.of("", parts.get(1), parts.subList(2, parts.size()))
                : parts.getFirst().equals("apis")
                        ? RequestPath.of(parts.get(1), parts.get(2), parts.subList(3, parts.size()))
                        : null;
    }

    private static String level(AuditPolicy policy, String verb, String path) {
        return policy.decide(KIM, verb, at(path), path).level().text();
    }

    @Test
    void theFirstRuleThatMatchesDecides() throws Exception {
        AuditPolicy policy = policy("""
                rules:
                - {level: None, users: [robot]}
                - {level: Request, userGroups: [devs], verbs: [delete]}
                - {level: Metadata, resources: [{group: "", resources: [secrets]}]}
                - {level: RequestResponse, namespaces: [shop]}
                - {level: None, nonResourceURLs: ["/healthz*", /version]}
                - {level: Metadata, nonResourceURLs: ["*"]}
                """);
        assertThat(level(policy, "delete", "/api/v1/namespaces/shop/secrets/a")).isEqualTo("Request");
        assertThat(level(policy, "get", "/api/v1/namespaces/shop/secrets/a")).isEqualTo("Metadata");
        assertThat(level(policy, "get", "/api/v1/namespaces/shop/pods/a")).isEqualTo("RequestResponse");
        assertThat(level(policy, "get", "/api/v1/namespaces/other/pods/a")).isEqualTo("None");
        assertThat(level(policy, "get", "/healthz/etcd")).isEqualTo("None");
        assertThat(level(policy, "get", "/version")).isEqualTo("None");
        assertThat(level(policy, "get", "/metrics")).isEqualTo("Metadata");
    }

    @Test
    void resourcesAreMatchedAsKubernetesDoes() throws Exception {
        AuditPolicy policy = policy("""
                rules:
                - {level: Request, resources: [{group: apps, resources: [deployments], resourceNames: [web]}]}
                - {level: RequestResponse, resources: [{group: "", resources: ["pods/*", "*/status"]}]}
                - {level: Metadata, resources: [{group: batch}], namespaces: [""]}
                """);
        assertThat(level(policy, "get", "/apis/apps/v1/namespaces/a/deployments/web"))
                .isEqualTo("Request");
        assertThat(level(policy, "get", "/apis/apps/v1/namespaces/a/deployments/db"))
                .isEqualTo("None");
        assertThat(level(policy, "get", "/apis/apps/v1/namespaces/a/deployments/web/scale"))
                .isEqualTo("None");
        assertThat(level(policy, "get", "/api/v1/namespaces/a/pods/p/log")).isEqualTo("RequestResponse");
        assertThat(level(policy, "get", "/api/v1/namespaces/a/pods/p"))
                .as("as in Kubernetes, pods/* is the pods and what is below them")
                .isEqualTo("RequestResponse");
        assertThat(level(policy, "get", "/api/v1/namespaces/a/services/s/status"))
                .isEqualTo("RequestResponse");
        assertThat(level(policy, "list", "/apis/batch/v1/jobs")).isEqualTo("Metadata");
        assertThat(level(policy, "list", "/apis/batch/v1/namespaces/a/jobs")).isEqualTo("None");
    }

    @Test
    void stagesAndManagedFieldsOfARuleAndOfThePolicy() throws Exception {
        AuditPolicy policy = policy("""
                omitStages: [RequestReceived]
                omitManagedFields: true
                rules:
                - {level: Metadata, verbs: [get], omitStages: [Panic], omitManagedFields: false}
                - {level: Metadata}
                """);
        AuditPolicy.Decision get = policy.decide(KIM, "get", null, "/version");
        assertThat(get.omitStages()).containsExactlyInAnyOrder(AuditStage.REQUEST_RECEIVED, AuditStage.PANIC);
        assertThat(get.omitManagedFields()).isFalse();
        AuditPolicy.Decision post = policy.decide(KIM, "post", null, "/version");
        assertThat(post.omitStages()).containsExactly(AuditStage.REQUEST_RECEIVED);
        assertThat(post.omitManagedFields()).isTrue();
    }

    @Test
    void everythingThatIsWrongIsToldAtOnce() {
        assertThat(problems("""
                apiVersion: audit.k8s.io/v1beta1
                kind: Policies
                omitStages: [RequestStarted]
                color: red
                rules:
                - {level: Everything, users: kim}
                - {level: Metadata, nonResourceURLs: [healthz, "/a*b"], namespaces: [shop]}
                - {level: Metadata, resources: [{group: apps/v1, resourceNames: [web]}], omitManagedFields: maybe}
                - nothing
                """))
                .containsExactlyInAnyOrder(
                        "color: is unknown: expected one of [apiVersion, kind, metadata, rules, omitStages,"
                                + " omitManagedFields]",
                        "apiVersion: \"audit.k8s.io/v1beta1\": expected audit.k8s.io/v1",
                        "kind: \"Policies\": expected Policy",
                        "omitStages[0]: \"RequestStarted\": expected one of [RequestReceived, ResponseStarted,"
                                + " ResponseComplete, Panic]",
                        "rules[0].level: \"Everything\": expected one of [None, Metadata, Request, RequestResponse]",
                        "rules[0].users: \"kim\": expected a list of texts",
                        "rules[1].nonResourceURLs[0]: \"healthz\": expected a path that begins with / and has a * at its end"
                                + " only, or *",
                        "rules[1].nonResourceURLs[1]: \"/a*b\": expected a path that begins with / and has a * at its end only,"
                                + " or *",
                        "rules[1].nonResourceURLs: [healthz, /a*b]: expected none beside resources or namespaces: no request"
                                + " has both; make two rules",
                        "rules[2].resources[0].group: \"apps/v1\": expected the name of an API group without its version, such"
                                + " as apps, or \"\" for core",
                        "rules[2].resources[0].resourceNames: [web]: expected resources beside it",
                        "rules[2].omitManagedFields: \"maybe\": expected true or false",
                        "rules[3]: \"nothing\": expected an object with a level");
    }

    @Test
    void whatIsNoPolicyAtAll() {
        assertThat(problems("a: [b")).singleElement().asString().contains("it is no YAML");
        assertThat(problems("")).singleElement().asString().contains("it is no object");
        assertThat(problems(HEAD)).singleElement().asString().contains("rules: is missing: expected at least one rule");
    }

    private static List<String> problems(String text) {
        try {
            AuditPolicy _ = AuditPolicyReader.read(text);
            return Assertions.fail("it was read");
        } catch (InvalidAuditPolicyException e) {
            return e.problems();
        }
    }
}
