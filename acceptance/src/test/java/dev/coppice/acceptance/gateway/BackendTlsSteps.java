package dev.coppice.acceptance.gateway;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.acceptance.gateway.ExchangeRunner.Target;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Steps by hand of tests with backends that speak TLS. */
final class BackendTlsSteps {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String NAMESPACE = "gateway-conformance-infra";
    private static final String INFRA = NAMESPACE + "/";

    private BackendTlsSteps() {}

    /** The first row is for the Gateway with HTTPS, the others for that without. The steps about changes are made last. */
    static void policy(CaseRun run) throws IOException, InterruptedException {
        run.claims(told -> !told.step().startsWith("Changing"));
        List<Exchange> rows = run.test().exchanges();
        run.exchange(rows.getFirst(), run.target(INFRA + "same-namespace-with-https-listener", "https"));
        for (Exchange row : rows.subList(1, rows.size())) {
            run.exchange(row, run.target(INFRA + "same-namespace", "http"));
        }
        authoritiesChange(run);
    }

    /** The policy gets a ConfigMap of its own, which loses its certificate and gets it back. */
    private static void authoritiesChange(CaseRun run) throws IOException, InterruptedException {
        String name = "reconcile-ca-certificate";
        ObjectNode bundle = JSON.createObjectNode().put("apiVersion", "v1").put("kind", "ConfigMap");
        bundle.putObject("metadata").put("namespace", NAMESPACE).put("name", name);
        ObjectNode good = run.api()
                .get("ConfigMap", INFRA + "tls-checks-ca-certificate")
                .path("data")
                .deepCopy();
        try {
            bundle.set("data", good);
            run.api().apply(bundle);
            run.change(
                    "BackendTLSPolicy",
                    INFRA + "reconcile-test",
                    spec -> ((ObjectNode) spec.at("/validation/caCertificateRefs/0")).put("name", name));
            reconciled(run, "True", "Accepted", "ResolvedRefs");
            bundle.set("data", JSON.createObjectNode().put("ca.crt", "no certificate"));
            run.api().apply(bundle);
            reconciled(run, "False", "NoValidCACertificate", "InvalidCACertificateRef");
            bundle.set("data", good);
            run.api().apply(bundle);
            reconciled(run, "True", "Accepted", "ResolvedRefs");
        } finally {
            run.api().delete(bundle);
        }
    }

    private static void reconciled(CaseRun run, String status, String accepted, String resolved)
            throws InterruptedException {
        run.claim(condition("reconcile-test", "Accepted", status, accepted));
        run.claim(condition("reconcile-test", "ResolvedRefs", status, resolved));
    }

    private static Claim condition(String policy, String type, String status, String reason) {
        return new Claim.AncestorCondition(
                "BackendTLSPolicy",
                INFRA + policy,
                INFRA + "same-namespace",
                new Claim.Condition(type, status, reason));
    }

    /** The data speak of one policy, and mean both of the manifest. */
    static void invalidAuthorities(CaseRun run) throws IOException, InterruptedException {
        run.claims(told -> !told.text().contains("policyNN"));
        Target target = run.target(INFRA + "same-namespace", "http");
        for (String policy : List.of("nonexistent-ca-certificate-ref", "malformed-ca-certificate-ref")) {
            run.claim(condition(policy, "Accepted", "False", "NoValidCACertificate"));
            run.claim(condition(policy, "ResolvedRefs", "False", "InvalidCACertificateRef"));
            run.exchange(run.test().exchanges().getFirst().withTarget("/backendtlspolicy-" + policy), target);
        }
    }

    /** Another host name is another generation. */
    static void generation(CaseRun run) throws IOException, InterruptedException {
        String policy = INFRA + "observed-generation-bump";
        Claim latest = new Claim.LatestConditions("BackendTLSPolicy", policy);
        run.claim(latest);
        run.claims(_ -> true);
        run.change(
                "BackendTLSPolicy",
                policy,
                spec -> ((ObjectNode) spec.path("validation")).put("hostname", "other.example.com"));
        run.claim(latest);
        run.claims(_ -> true);
    }

    /** The server name that the data have is the backend's; that of the listener is another. */
    static void terminatedStream(CaseRun run) throws IOException, InterruptedException {
        run.claims(_ -> true);
        Exchange row = run.test().exchanges().getFirst();
        run.exchange(new Exchange(
                row.number(),
                row.step(),
                new Exchange.StreamEcho("tls.example.com"),
                row.expectation(),
                row.notUnderstood(),
                row.text()));
    }

    /** The backend, which lets nobody in without a certificate, tells whose it saw. */
    static void clientCertificate(CaseRun run) throws IOException, InterruptedException {
        run.claims(_ -> true);
        Exchange row = run.test().exchanges().getFirst();
        Exchange.Request request = java.util.Objects.requireNonNull(row.request());
        Target target = run.target(INFRA + "gateway-tls-backend-client-certificate", "http");
        List<String> wanted = run.certificates().chain(INFRA + "tls-checks-client-certificate");
        run.exchange(row, target, row.text() + ", which the backend sees", () -> {
            ExchangeRunner.Got got = ExchangeRunner.send(target, request, request.target(), "");
            List<String> seen = new ArrayList<>();
            ((ArrayNode) got.seen().path("tls").withArray("peerCertificates")).forEach(each -> seen.add(each.asText()));
            String problem = ExchangeRunner.problem(target, request, request.target(), row.expectation(), got);
            return problem != null || seen.equals(wanted) ? problem : "the backend saw the certificates " + seen;
        });
    }
}
