package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The example of {@code docs/gateway/certificates.md} with Caddy as the ACME server, run as it stands there: in a network and with a file of host
 * names of its own, since such a server looks at ports 80 and 443.
 */
final class GatewayCertificatesTest {
    private static final Duration LIMIT = Duration.ofMinutes(4);

    @TempDir
    private Path folder;

    @Test
    void aGatewayGetsItsCertificatesFromAnAcmeServer() throws Exception {
        Shell.need("caddy", "kubectl", "curl", "unshare", "ip");
        Shell.needRoot();
        List<String> blocks = WorkedExample.blocks("docs/gateway/certificates.md");
        assertThat(blocks).hasSize(5);
        Files.writeString(folder.resolve("shop.yaml"), blocks.get(2));
        Files.writeString(
                folder.resolve("run"),
                String.join(
                        "\n",
                        "cd '" + folder + "'",
                        "ip link set lo up",
                        "cp /etc/hosts hosts && mount --bind hosts /etc/hosts",
                        "exec 3< <(exec '" + Shell.HOME.resolve("coppice")
                                + "' up --json --data data --api-port 0 --etcd-port 0 --public-port 0 --peer-port 0 2> up.log)",
                        "node=$!",
                        "trap 'kill $node $(cat caddy.pid); wait $node || true' EXIT",
                        "while read -r -u 3 line; do [[ $line != *'\"event\":\"ready\"'* ]] || break; done",
                        "export KUBECONFIG=data/kubeconfig",
                        blocks.get(0),
                        blocks.get(1),
                        blocks.get(3),
                        blocks.get(4),
                        // Both ways were gone.
                        "kubectl get secret shop www -o jsonpath='{.items[*].type}{\"\\n\"}'",
                        "kubectl get orders -o jsonpath='{.items[*].status.state}{\"\\n\"}'",
                        "kubectl get challenges -o name"));
        Shell.Outcome outcome = Shell.run(
                LIMIT, Map.of(), null, List.of("unshare", "--net", "--mount", "bash", "-eu", folder + "/run"));
        assertThat(outcome.status()).as(outcome.output()).isZero();
        assertThat(outcome.output())
                .containsPattern("shop +True +shop")
                .containsPattern("www +True +www")
                .endsWith("301 https://new.test/\n301 https://new.test/\n"
                        + "kubernetes.io/tls kubernetes.io/tls\nvalid valid\n");
    }
}
