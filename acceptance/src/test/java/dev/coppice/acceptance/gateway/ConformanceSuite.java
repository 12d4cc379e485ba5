package dev.coppice.acceptance.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.acceptance.Shell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import javax.net.ssl.SSLContext;

/** The conformance tests on one node, one after the other. For one thread. */
public final class ConformanceSuite implements AutoCloseable {
    private static final String BASE = "base/manifests.yaml";
    private static final String MESH_BASE = "mesh/manifests.yaml";

    /** A Gateway of the base that has nothing but listeners with TLS. */
    private static final String HTTPS_GATEWAY = "gateway-conformance-infra/same-namespace-with-https-listener";

    /** What a node without TLS says of such listeners; it is why nothing answers there. */
    static final String HTTPS_UNSERVED = "does not serve the protocol HTTPS";

    private static final Duration PATIENCE = Duration.ofSeconds(Integer.getInteger("gateway.conformance.patience", 30));

    private final ResourceApi api;
    private final Manifests manifests;
    private final Certificates certificates;
    private final SSLContext tls;
    private final EchoBackends backends;
    private final Patience patience = new Patience(PATIENCE, problem -> problem.contains(HTTPS_UNSERVED));
    private final ConformanceReport report = new ConformanceReport();
    private final List<JsonNode> base;

    /**
     * Prepares a node: namespaces, Gateways, echo backends and certificates that all tests share.
     *
     * @param folder with the data
     * @param scratch an empty folder
     */
    public ConformanceSuite(ResourceApi api, String gatewayClass, Path folder, Path scratch)
            throws IOException, InterruptedException, GeneralSecurityException {
        this.api = api;
        JsonNode served = api.get("GatewayClass", gatewayClass);
        if (served.isMissingNode()) {
            throw new IOException("the node has no GatewayClass " + gatewayClass);
        }
        this.manifests = new Manifests(
                folder.resolve("manifests"),
                gatewayClass,
                served.at("/spec/controllerName").asText());
        this.certificates = new Certificates(scratch);
        this.tls = certificates.client("");
        this.backends = new EchoBackends(certificates::server);
        List<JsonNode> documents = new ArrayList<>(manifests.read(BASE));
        if (Files.exists(folder.resolve("manifests").resolve(MESH_BASE))) {
            documents.addAll(manifests.read(MESH_BASE));
        }
        documents.addAll(certificates.documents());
        // Namespaces first: certificates belong to those of the manifest.
        documents.sort(java.util.Comparator.comparing(
                document -> !document.path("kind").asText().equals("Namespace")));
        this.base = List.copyOf(documents);
        apply(base);
    }

    /** The features that the node says it supports. */
    public Set<String> supportedFeatures() throws IOException, InterruptedException {
        Set<String> features = new TreeSet<>();
        api.get("GatewayClass", manifests.gatewayClass())
                .at("/status/supportedFeatures")
                .forEach(feature -> features.add(
                        feature.isTextual()
                                ? feature.asText()
                                : feature.path("name").asText()));
        return features;
    }

    /** Runs a test; what was not as the data say, which is nothing if it passed. */
    public List<String> run(ConformanceCase test) throws IOException, InterruptedException {
        patience.rest();
        List<JsonNode> documents = new ArrayList<>();
        for (String manifest : test.manifests()) {
            documents.addAll(manifests.read(manifest));
        }
        CaseRun run = new CaseRun(test, this, documents);
        List<String> problems = new ArrayList<>();
        try {
            apply(documents);
            HandwrittenSteps.of(test.name()).run(run);
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception e) {
            problems.add("could not be run: " + e);
        } finally {
            remove(documents);
        }
        problems.addAll(run.problems());
        if (problems.isEmpty()) {
            report.passed(test.name());
        } else if (!servesHttps() && problems.stream().allMatch(problem -> problem.contains(HTTPS_UNSERVED))) {
            // No feature stands for listeners with TLS, so that a node without them cannot say it otherwise.
            report.unsupported(test.name(), List.of("listeners with protocol HTTPS"));
            Shell.skip("NOT SUPPORTED YET: " + test.name() + ", but for what needs no HTTPS: " + problems);
        } else {
            report.failed(test.name(), problems);
        }
        return problems;
    }

    /** Whether the node serves listeners with TLS at all. */
    boolean servesHttps() throws IOException, InterruptedException {
        for (JsonNode listener : api.get("Gateway", HTTPS_GATEWAY).at("/status/listeners")) {
            if (StatusChecks.missing(listener.path("conditions"), new Claim.Condition("Programmed", "True", ""))
                    == null) {
                return true;
            }
        }
        return false;
    }

    /** Starts backends for Deployments and says where they are, makes the other objects, then what Kubernetes would make of the Services. */
    private void apply(List<JsonNode> documents) throws IOException, InterruptedException {
        for (JsonNode document : documents) {
            if (document.path("kind").asText().equals("Deployment")) {
                backends.start(document);
                api.apply(backends.placeOfPods(document));
            } else if (api.serves(document)) {
                api.apply(document);
            } else {
                System.err.println(
                        "NOT SERVED, NOT APPLIED: " + document.path("kind").asText() + " "
                                + document.at("/metadata/name").asText());
            }
        }
        for (JsonNode document : documents) {
            if (document.path("kind").asText().equals("Service")
                    && !document.at("/spec/selector").isEmpty()) {
                api.apply(backends.endpointSlice(document));
            }
        }
    }

    private void remove(List<JsonNode> documents) throws IOException, InterruptedException {
        for (JsonNode document : documents.reversed()) {
            String kind = document.path("kind").asText();
            if (kind.equals("Deployment")) {
                api.delete(backends.placeOfPods(document));
                backends.stop(document);
            } else if (api.serves(document)) {
                if (kind.equals("Service") && !document.at("/spec/selector").isEmpty()) {
                    api.delete(backends.endpointSlice(document));
                }
                api.delete(document);
            }
        }
    }

    ResourceApi api() {
        return api;
    }

    EchoBackends backends() {
        return backends;
    }

    Patience patience() {
        return patience;
    }

    List<JsonNode> base() {
        return base;
    }

    Certificates certificates() {
        return certificates;
    }

    SSLContext tls() {
        return tls;
    }

    public ConformanceReport report() {
        return report;
    }

    @Override
    public void close() {
        backends.close();
        api.close();
    }
}
