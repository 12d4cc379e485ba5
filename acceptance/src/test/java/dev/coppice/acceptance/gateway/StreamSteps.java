package dev.coppice.acceptance.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.acceptance.gateway.ExchangeRunner.Target;
import java.io.IOException;
import java.util.List;

/** Steps by hand of tests whose traffic is not HTTP/1.1. */
final class StreamSteps {
    private static final String INFRA = "gateway-conformance-infra/";

    private StreamSteps() {}

    /** The server name of each row is that of the line about its request. */
    static void misdirectedRequests(CaseRun run) throws IOException, InterruptedException {
        run.claims(_ -> true);
        List<String> serverNames = run.test().claims().stream()
                .filter(told -> told.claim() instanceof Claim.Announcement)
                .map(told -> told.text().replaceFirst(".*args: ", "").replaceFirst("\\).*", ""))
                .toList();
        Target target = run.target(INFRA + "same-namespace-with-https-listener", "https");
        for (int i = 0; i < run.test().exchanges().size(); i++) {
            Exchange exchange = run.test().exchanges().get(i);
            Exchange.Request request = java.util.Objects.requireNonNull(exchange.request());
            String serverName = serverNames.get(i);
            run.exchange(
                    exchange,
                    target,
                    "SNI " + serverName + ", " + exchange.text(),
                    () -> ExchangeRunner.problem(
                            target,
                            request,
                            request.target(),
                            exchange.expectation(),
                            Http2Curl.send(target, request, serverName)));
        }
    }

    /** Each listener leads to the backend of the route that is attached to it, and all do where it is attached to all. */
    static void everyListener(CaseRun run, String gateway) throws IOException, InterruptedException {
        run.claims(_ -> true);
        Exchange row = run.test().exchanges().getFirst();
        for (JsonNode listener : run.listeners(INFRA + gateway)) {
            Target target = run.target(INFRA + gateway, listener.path("name").asText());
            String backend = backend(run, listener);
            Exchange.Expectation e = row.expectation();
            boolean stream = row.call() instanceof Exchange.StreamEcho;
            run.exchange(
                    new Exchange(
                            row.number(),
                            row.step(),
                            row.call(),
                            new Exchange.Expectation(
                                    e.outcome(),
                                    stream ? backend : "",
                                    e.servedIn(),
                                    "",
                                    "",
                                    "",
                                    java.util.Map.of(),
                                    List.of(),
                                    null,
                                    java.util.Map.of(),
                                    List.of(),
                                    List.of(),
                                    stream ? "" : backend,
                                    e.backendTls(),
                                    ""),
                            List.of(),
                            row.text() + ", by " + backend),
                    target);
        }
    }

    /** The first backend of the route for a listener. */
    private static String backend(CaseRun run, JsonNode listener) {
        return run.documents().stream()
                .filter(document -> document.path("kind").asText().endsWith("Route"))
                .filter(document -> {
                    JsonNode parent = document.at("/spec/parentRefs/0");
                    return parent.path("sectionName")
                                    .asText(listener.path("name").asText())
                                    .equals(listener.path("name").asText())
                            && parent.path("port").asInt(listener.path("port").asInt())
                                    == listener.path("port").asInt();
                })
                .map(document -> document.at("/spec/rules/0/backendRefs/0/name").asText())
                .findFirst()
                .orElse("");
    }

    /** The newer route is made again until its time, which is in seconds, is another than the older's. */
    static void olderRouteWins(CaseRun run, String kind, String prefix) throws IOException, InterruptedException {
        JsonNode first = run.documents().stream()
                .filter(document -> document.at("/metadata/name").asText().equals(prefix + "-older"))
                .findFirst()
                .orElseThrow();
        // The suite makes it itself: like the older one, but for its name and backend.
        ObjectNode newer = first.deepCopy();
        ((ObjectNode) newer.at("/metadata")).put("name", prefix + "-newer");
        ObjectNode backend = (ObjectNode) newer.at("/spec/rules/0/backendRefs/0");
        backend.put("name", backend.path("name").asText().replace("-1", "-2"));
        run.check("the newer route is newer", () -> {
            String older = run.api()
                    .get(kind, INFRA + prefix + "-older")
                    .at("/metadata/creationTimestamp")
                    .asText();
            run.api().delete(newer);
            run.api().apply(newer);
            String made = run.api()
                    .get(kind, INFRA + prefix + "-newer")
                    .at("/metadata/creationTimestamp")
                    .asText();
            return made.compareTo(older) > 0 ? null : "made in the same second as the older";
        });
        try {
            run.claims(_ -> true);
            run.exchanges();
        } finally {
            run.api().delete(newer);
        }
    }

    /** The first row is for the route that terminates TLS, the second for the other. */
    static void mixedTermination(CaseRun run) throws IOException, InterruptedException {
        run.claims(_ -> true);
        List<String> names = List.of("tls.example.com", "abc.example.com");
        for (int i = 0; i < names.size(); i++) {
            Exchange row = run.test().exchanges().get(i);
            run.exchange(new Exchange(
                    row.number(),
                    row.step(),
                    new Exchange.StreamEcho(names.get(i)),
                    row.expectation(),
                    row.notUnderstood(),
                    row.text()));
        }
    }

    static void dns(CaseRun run) throws IOException, InterruptedException {
        run.claims(_ -> true);
        String gateway = INFRA + "udp-gateway";
        Target target = run.target(
                gateway, run.listeners(gateway).getFirst().path("name").asText());
        run.check("a datagram is answered", () -> OtherCalls.datagram(target).isMissingNode() ? "nothing" : null);
    }
}
