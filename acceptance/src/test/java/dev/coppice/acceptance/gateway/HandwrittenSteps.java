package dev.coppice.acceptance.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.acceptance.gateway.ExchangeRunner.Target;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/** The steps of tests that the data tell in prose, or not at all. All other tests take the steps of {@link #MECHANICAL}. */
final class HandwrittenSteps {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String INFRA = "gateway-conformance-infra/";

    /** What a test does once its manifest is applied. */
    interface Steps {
        void run(CaseRun run) throws Exception;
    }

    /** Waits for all claims, then sends all requests. */
    private static final Steps MECHANICAL = run -> {
        run.claims();
        run.exchanges();
    };

    private static final Map<String, Steps> BY_NAME = Map.ofEntries(
            Map.entry(
                    "HTTPRouteObservedGenerationBump",
                    run -> bump(run, "HTTPRoute", "observed-generation-bump", spec -> {
                        ObjectNode match = JSON.createObjectNode();
                        match.putObject("path").put("type", "PathPrefix").put("value", "/added");
                        ((ObjectNode) spec.at("/rules/0")).withArray("matches").add(match);
                    })),
            Map.entry(
                    "GatewayObservedGenerationBump",
                    run -> bump(
                            run,
                            "Gateway",
                            "gateway-observed-generation-bump",
                            spec -> listener(spec, "alternate", "foo.com"))),
            Map.entry("GatewayClassObservedGenerationBump", HandwrittenSteps::gatewayClassBump),
            Map.entry("GatewayStaticAddresses", HandwrittenSteps::staticAddresses),
            Map.entry("GatewayModifyListeners", HandwrittenSteps::modifyListeners),
            Map.entry("HTTPRouteReferenceGrant", HandwrittenSteps::referenceGrant),
            Map.entry("HTTPRouteServiceTypes", HandwrittenSteps::serviceTypes),
            Map.entry("HTTPRouteRequestHeaderModifierBackendWeights", HandwrittenSteps::headersOfTheChosenBackend),
            Map.entry("HTTPRouteBackendProtocolWebSocket", HandwrittenSteps::webSocket),
            Map.entry("HTTPRouteRedirectPortAndScheme", HandwrittenSteps::redirectsOfThreeListeners),
            Map.entry("GatewayHTTPListenerIsolation", HandwrittenSteps::isolationOfBothGateways),
            Map.entry("HTTPRouteRewriteHost", HandwrittenSteps::rewriteHost),
            Map.entry("GatewayFrontendClientCertificateValidation", ClientCertificateSteps::validated),
            Map.entry(
                    "GatewayFrontendClientCertificateValidationInsecureFallback",
                    ClientCertificateSteps::insecureFallback),
            Map.entry(
                    "GatewayFrontendInvalidDefaultClientCertificateValidation", ClientCertificateSteps::invalidDefault),
            Map.entry("HTTPRouteHTTPSListenerDetectMisdirectedRequests", StreamSteps::misdirectedRequests),
            Map.entry("TCPRouteParentRefAttachAll", run -> StreamSteps.everyListener(run, "tcp-attach-all-gateway")),
            Map.entry(
                    "TCPRouteParentRefPortAndSectionName",
                    run -> StreamSteps.everyListener(run, "tcp-multi-listener-gateway")),
            Map.entry(
                    "UDPRouteParentRefAttachAllListeners",
                    run -> StreamSteps.everyListener(run, "udp-attach-all-listeners-gateway")),
            Map.entry(
                    "UDPRouteParentRefPortAndSectionName",
                    run -> StreamSteps.everyListener(run, "udp-multi-listener-gateway")),
            Map.entry(
                    "TCPRouteMultipleRoutesAttachment",
                    run -> StreamSteps.olderRouteWins(run, "TCPRoute", "tcproute-attach")),
            Map.entry(
                    "UDPRouteMultipleRoutesAttachment",
                    run -> StreamSteps.olderRouteWins(run, "UDPRoute", "udproute-attach")),
            Map.entry("BackendTLSPolicy", BackendTlsSteps::policy),
            Map.entry("BackendTLSPolicyInvalidCACertificateRef", BackendTlsSteps::invalidAuthorities),
            Map.entry("BackendTLSPolicyObservedGenerationBump", BackendTlsSteps::generation),
            Map.entry("BackendTLSPolicyTLSRouteTerminate", BackendTlsSteps::terminatedStream),
            Map.entry("GatewayTLSBackendClientCertificate", BackendTlsSteps::clientCertificate),
            Map.entry("TLSRouteMixedTerminationSameNamespace", StreamSteps::mixedTermination),
            Map.entry("UDPRoute", StreamSteps::dns),
            Map.entry("MeshConsumerRoute", HandwrittenSteps::consumers),
            Map.entry("MeshHTTPRouteNamedRule", HandwrittenSteps::pathsAsSent));

    private HandwrittenSteps() {}

    static Steps of(String test) {
        return BY_NAME.getOrDefault(test, MECHANICAL);
    }

    private static void listener(ObjectNode spec, String name, String hostname) {
        ObjectNode added = spec.withArray("listeners").addObject();
        added.put("name", name).put("port", 80).put("protocol", "HTTP");
        if (!hostname.isEmpty()) {
            added.put("hostname", hostname);
        }
        added.putObject("allowedRoutes").putObject("namespaces").put("from", "All");
    }

    /** Conditions catch up with a change of the object. */
    private static void bump(CaseRun run, String kind, String name, java.util.function.Consumer<ObjectNode> change)
            throws IOException, InterruptedException {
        run.claims(_ -> true);
        run.change(kind, INFRA + name, change);
        run.claims(_ -> true);
    }

    private static void gatewayClassBump(CaseRun run) throws IOException, InterruptedException {
        String name = "/gatewayclass-observed-generation-bump";
        Claim accepted = new Claim.ObjectCondition("GatewayClass", name, new Claim.Condition("Accepted", "", ""));
        run.claim(accepted);
        run.claims(_ -> true);
        run.change("GatewayClass", name, spec -> spec.put("description", "new"));
        run.claim(accepted);
        run.claims(_ -> true);
    }

    private static void modifyListeners(CaseRun run) throws IOException, InterruptedException {
        run.claims(told -> told.claim() instanceof Claim.LatestConditions);
        run.change("Gateway", INFRA + "gateway-add-listener", spec -> listener(spec, "http", "data.test.com"));
        run.claims(told -> told.step().contains("add a listener"));
        run.change("Gateway", INFRA + "gateway-remove-listener", spec -> {
            ArrayNode kept = JSON.createArrayNode();
            spec.path("listeners").forEach(listener -> {
                if (listener.path("name").asText().equals("http")) {
                    kept.add(listener);
                }
            });
            spec.set("listeners", kept);
        });
        run.claims(told -> told.step().contains("remove listeners"));
    }

    /** The first address is of a type that nobody has, the second cannot be had here, the third can. */
    private static void staticAddresses(CaseRun run) throws IOException, InterruptedException {
        String gateway = INFRA + "gateway-static-addresses";
        run.claim(new Claim.LatestConditions("Gateway", gateway));
        run.claim(condition(gateway, "Accepted", "False", "UnsupportedAddress"));
        run.change("Gateway", gateway, spec -> ((ArrayNode) spec.path("addresses")).remove(0));
        run.claim(new Claim.LatestConditions("Gateway", gateway));
        run.claim(condition(gateway, "Accepted", "True", "Accepted"));
        run.claim(condition(gateway, "Programmed", "False", "AddressNotUsable"));
        run.change("Gateway", gateway, spec -> ((ArrayNode) spec.path("addresses")).remove(0));
        run.claim(new Claim.LatestConditions("Gateway", gateway));
        run.claim(condition(gateway, "Accepted", "True", "Accepted"));
        run.claim(condition(gateway, "Programmed", "True", "Programmed"));
        run.claims(told -> told.claim() instanceof Claim.Listeners);
        run.check("the usable address is the only one in the status", () -> {
            JsonNode object = run.api().get("Gateway", gateway);
            JsonNode wanted = object.at("/spec/addresses");
            JsonNode got = object.at("/status/addresses");
            return got.size() == 1 && got.at("/0/value").equals(wanted.at("/0/value")) ? null : "got " + got;
        });
    }

    private static Claim condition(String gateway, String type, String status, String reason) {
        return new Claim.ObjectCondition("Gateway", gateway, new Claim.Condition(type, status, reason));
    }

    private static void referenceGrant(CaseRun run) throws IOException, InterruptedException {
        run.claims(_ -> true);
        run.exchange(run.test().exchanges().get(0));
        for (var document : run.documents()) {
            if (document.path("kind").asText().equals("ReferenceGrant")) {
                run.api().delete(document);
            }
        }
        run.exchange(run.test().exchanges().get(1));
    }

    /** Fills the slices that the manifest leaves to the suite. The path of the row stands for three. */
    private static void serviceTypes(CaseRun run) throws IOException, InterruptedException {
        List<EchoPod> pods = run.backends().named("gateway-conformance-infra", "infra-backend-v1-");
        for (var document : run.documents()) {
            if (document.path("kind").asText().equals("EndpointSlice")
                    && document.path("addressType").asText().equals("IPv4")) {
                ObjectNode filled = document.deepCopy();
                filled.set("endpoints", EchoBackends.endpoints(pods));
                run.api().apply(filled);
            }
        }
        run.claims(_ -> true);
        Exchange row = run.test().exchanges().getFirst();
        for (String path : List.of("/headless", "/manual-endpointslices", "/headless-manual-endpointslices")) {
            run.exchange(row.withTarget(path));
        }
    }

    /** Of a hundred requests, each has the header Backend with the name of the backend that got it. */
    private static void headersOfTheChosenBackend(CaseRun run) throws IOException, InterruptedException {
        run.claims();
        run.exchanges();
        Target target = run.target(INFRA + "same-namespace", "http");
        Exchange.Request request = java.util.Objects.requireNonNull(
                run.test().exchanges().getFirst().request());
        run.check("each request has the header of the backend that it goes to", () -> {
            for (int i = 0; i < 100; i++) {
                ExchangeRunner.Got got = ExchangeRunner.send(target, request, request.target(), "");
                String told = got.seen().path("headers").path("Backend").path(0).asText();
                if (told.isEmpty() || !got.pod().startsWith(told)) {
                    return "served by " + got.pod() + ", which saw headers "
                            + got.seen().path("headers");
                }
            }
            return null;
        });
    }

    private static void webSocket(CaseRun run) throws IOException, InterruptedException {
        run.claims(_ -> true);
        Target target = run.target(INFRA + "same-namespace", "http");
        run.check("a text message comes back through a WebSocket", () -> {
            String echoed = WebSocketClient.echo(target.address(), target.port(), "/ws", "Websocket Support!");
            return echoed.equals("Websocket Support!") ? null : "got " + echoed;
        });
    }

    /** The names of the steps are those of the lists before them. */
    private static void redirectsOfThreeListeners(CaseRun run) throws IOException, InterruptedException {
        run.claims(_ -> true);
        for (Exchange exchange : run.test().exchanges()) {
            Target target = exchange.step().startsWith("http-listener-on-8080")
                    ? run.target(INFRA + "same-namespace-with-https-listener", "https")
                    : exchange.step().startsWith("http-listener-on-80")
                            ? run.target(INFRA + "same-namespace-with-http-listener-on-8080", "http")
                            : run.target(INFRA + "same-namespace", "http");
            run.exchange(exchange, target);
        }
    }

    private static void isolationOfBothGateways(CaseRun run) throws IOException, InterruptedException {
        run.claims(_ -> true);
        for (String gateway :
                List.of("http-listener-isolation", "http-listener-isolation-with-hostname-intersection")) {
            for (Exchange exchange : run.test().exchanges()) {
                run.exchange(exchange, run.target(INFRA + gateway, "empty-hostname"));
            }
        }
    }

    /** The first row is sent by a pod of the route's namespace, the second by one of the Service's. */
    private static void consumers(CaseRun run) throws IOException, InterruptedException {
        List<String> namespaces = List.of(CaseRun.MESH_NAMESPACE + "-consumer", CaseRun.MESH_NAMESPACE);
        for (int i = 0; i < namespaces.size(); i++) {
            Exchange row = run.test().exchanges().get(i);
            EchoPod client = run.backends().named(namespaces.get(i), "echo-v1-").getFirst();
            String host = java.util.Objects.requireNonNull(row.request()).host();
            run.exchange(row, java.util.Objects.requireNonNull(run.target(client, host), host));
        }
    }

    /** The data say that a path arrives as another, though nothing in the manifest rewrites any: it cannot come true. */
    private static void pathsAsSent(CaseRun run) throws IOException, InterruptedException {
        for (Exchange row : run.test().exchanges()) {
            String seen = row.expectation().seenPath();
            if (seen.equals(java.util.Objects.requireNonNull(row.request()).target())) {
                run.exchange(row);
            } else {
                run.notChecked("row " + row.number() + ": backend sees path " + seen + ", which nothing rewrites");
                run.exchange(row.seenAsSent());
            }
        }
    }

    /** One row's host was not resolved in the data. */
    private static void rewriteHost(CaseRun run) throws IOException, InterruptedException {
        run.claims(_ -> true);
        for (Exchange exchange : run.test().exchanges()) {
            run.exchange(exchange.notUnderstood().isEmpty() ? exchange : exchange.seenWithHost("test.example.org"));
        }
    }
}
