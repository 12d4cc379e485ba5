package dev.coppice.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an operator says when it cannot start. */
final class OperatorServerTest {
    @TempDir
    private Path folder;

    private OperatorOptions options(String server) throws Exception {
        Path kubeconfig = FakeCluster.kubeconfig(folder, server);
        return new OperatorOptions(
                folder.resolve("data"), kubeconfig, null, List.of(), List.of(), null, 15, "127.0.0.1", 0, 0);
    }

    private void fails(OperatorOptions options, String... words) {
        assertThatThrownBy(() ->
                        OperatorServer.start(options, _ -> {}, (_, _) -> {}).close())
                .isInstanceOf(StartupException.class)
                .hasMessageContainingAll(words);
    }

    private void fails(int code, String... words) throws Exception {
        fails(code, "no", words);
    }

    private void fails(int code, String answer, String[] words) throws Exception {
        try (FakeCluster cluster = new FakeCluster(code, answer)) {
            fails(options(cluster.url()), words);
        }
    }

    @Test
    void refusedCredentialsAreSaid() throws Exception {
        fails(401, "refused the credentials of context \"x\"", "kubectl auth whoami");
    }

    @Test
    void whatIsNotAllowedIsToldTogether() throws Exception {
        fails(201, "{\"kind\":\"SelfSubjectAccessReview\",\"status\":{\"allowed\":false}}", new String[] {
            "not allowed in the cluster: get, create, patch customresourcedefinitions.apiextensions.k8s.io",
            "not allowed in the cluster: patch healthchecks/status.health.coppice.dev in all namespaces",
            "not allowed in the cluster: get secrets in all namespaces",
            "get, create, update leases.coordination.k8s.io in namespace \"default\"",
            "--print-role"
        });
    }

    @Test
    void whoMayNotEvenAskIsTold() throws Exception {
        fails(403, "does not let the user of context \"x\"", "ask what it may do", "system:basic-user");
    }

    @Test
    void whatIsNoClusterIsSaid() throws Exception {
        fails(404, "has no SelfSubjectAccessReview", "expected a Kubernetes API server");
    }

    @Test
    void aClusterThatIsAwayIsSaid() throws Exception {
        fails(options("http://127.0.0.1:1"), "cannot reach http://127.0.0.1:1", "is it up");
    }

    @Test
    void whatIsWrongWithOptionsIsToldTogether() {
        OperatorOptions wrong = new OperatorOptions(
                folder, null, null, List.of("nothing"), List.of("A", "a", "a"), "B", 1, " ", 70_000, -1);
        assertThat(wrong.problems())
                .hasSize(8)
                .anySatisfy(each -> assertThat(each).contains("--areas", "\"nothing\"", "health"))
                .anySatisfy(each -> assertThat(each).contains("--namespace", "\"A\""))
                .anySatisfy(each -> assertThat(each).contains("named twice"))
                .anySatisfy(each -> assertThat(each).contains("--lease-seconds", "3 to 3600"));
    }

    @Test
    void withNamespacesThereAreTwoRoles() {
        assertThat(OperatedAreas.role(List.of(), false))
                .contains("name: coppice-operator\n")
                .doesNotContain("---");
        assertThat(OperatedAreas.role(List.of("health"), true).split("---"))
                .hasSize(2)
                .satisfiesExactly(
                        cluster -> assertThat(cluster)
                                .contains("hostaccessclasses", "customresourcedefinitions")
                                .doesNotContain("secrets", "leases"),
                        each -> assertThat(each)
                                .contains(
                                        "name: coppice-operator-namespaced", "secrets", "leases", "healthchecks/status")
                                .doesNotContain("hostaccessclasses"));
    }
}
