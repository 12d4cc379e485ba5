package dev.coppice.acceptance.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.acceptance.gateway.ExchangeRunner.Target;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** One test while it runs: what its steps use, and what was not as it must be. */
final class CaseRun {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int IN_A_ROW = 3;
    private static final int MIRRORED_REQUESTS = 500;
    private static final int MIRROR_ATTEMPTS = 5;
    private static final double MIRROR_TOLERANCE = 0.05;
    static final String MESH_NAMESPACE = "gateway-conformance-mesh";

    private final ConformanceCase test;
    private final ConformanceSuite suite;
    private final List<JsonNode> documents;
    private final StatusChecks statuses;
    private final List<String> problems = new ArrayList<>();

    CaseRun(ConformanceCase test, ConformanceSuite suite, List<JsonNode> documents) {
        this.test = test;
        this.suite = suite;
        this.documents = List.copyOf(documents);
        this.statuses = new StatusChecks(suite.api()::get, this::kindOf);
        documents.forEach(suite.api()::know);
    }

    ConformanceCase test() {
        return test;
    }

    EchoBackends backends() {
        return suite.backends();
    }

    ResourceApi api() {
        return suite.api();
    }

    Certificates certificates() {
        return suite.certificates();
    }

    List<JsonNode> documents() {
        return documents;
    }

    List<String> problems() {
        return problems;
    }

    private String kindOf(String route) {
        return documents.stream()
                .filter(document -> document.path("kind").asText().endsWith("Route")
                        && name(document).equals(route))
                .map(document -> document.path("kind").asText())
                .findFirst()
                .orElse("HTTPRoute");
    }

    private static String name(JsonNode document) {
        return document.at("/metadata/namespace").asText() + "/"
                + document.at("/metadata/name").asText();
    }

    /** Waits until there is no problem; else notes it. */
    void check(String what, Patience.Check check) throws InterruptedException {
        String problem = suite.patience().until(check);
        suite.report().checked();
        if (problem != null) {
            problems.add(what + ": " + problem);
        }
    }

    void notChecked(String what) {
        suite.report().notChecked(test.name(), what);
    }

    /** Checks all claims that a status can show, and says which are not checked. */
    void claims() throws InterruptedException {
        claims(_ -> true);
        test.claims().stream()
                .filter(told ->
                        told.claim() instanceof Claim.Unmechanical || told.claim() instanceof Claim.NotUnderstood)
                .forEach(told -> notChecked(told.text()));
    }

    /** Checks those of the claims that a status can show; what else the data say is covered by the steps themselves. */
    void claims(Predicate<Claim.Told> which) throws InterruptedException {
        for (Claim.Told told : test.claims()) {
            if (StatusChecks.ofStatus(told.claim()) && which.test(told)) {
                check(told.text(), () -> statuses.problem(told.claim()));
            }
        }
    }

    /** A claim of a status. */
    void claim(Claim claim) throws InterruptedException {
        check(claim.toString(), () -> statuses.problem(claim));
    }

    /** Sends all requests, and says what of them is not checked. */
    void exchanges() throws IOException, InterruptedException {
        for (Exchange exchange : test.exchanges()) {
            exchange(exchange);
        }
        for (Claim.Told told : test.claims()) {
            switch (told.claim()) {
                case Claim.Distribution distribution -> distribution(distribution, told);
                case Claim.HandshakeRefused _ -> handshakeRefused(told);
                default -> {}
            }
        }
    }

    private void handshakeRefused(Claim.Told told) throws IOException, InterruptedException {
        List<Target> targets = targets("", told.step());
        if (targets.size() != 1 || targets.getFirst().tls() == null) {
            notChecked(told.text());
            return;
        }
        check(told.text(), () -> {
            Target target = targets.getFirst();
            try (var socket = RawHttp.connect(target.address(), target.port(), target.tls(), routeHost())) {
                return "the handshake with " + socket + " succeeded";
            } catch (IOException e) {
                return null;
            }
        });
    }

    /** The first host name of a TLSRoute of the manifest. */
    private String routeHost() {
        return documents.stream()
                .map(document -> document.at("/spec/hostnames/0").asText())
                .filter(host -> !host.isEmpty())
                .findFirst()
                .orElse("abc.example.com");
    }

    /** Sends a request to where the data say, as far as they do. */
    void exchange(Exchange exchange) throws IOException, InterruptedException {
        if (!sendable(exchange)) {
            return;
        }
        List<Target> targets = targets(host(exchange.call()), exchange.step());
        if (targets.isEmpty() && mesh()) {
            pod(exchange);
        } else if (targets.isEmpty()) {
            notChecked("row " + exchange.number() + ": no Gateway is told for " + exchange.text());
        } else if (targets.size() == 1) {
            exchange(exchange, targets.getFirst());
        } else {
            notChecked("row " + exchange.number() + ": which of the Gateways at " + targets
                    + " is not told; one of them must give it: " + exchange.text());
            check("row " + exchange.number() + " (" + exchange.text() + ") at one of " + targets, () -> {
                List<String> each = new ArrayList<>();
                for (Target target : targets) {
                    String problem = once(target, exchange, "");
                    if (problem == null) {
                        return null;
                    }
                    each.add(problem);
                }
                return each.toString();
            });
        }
    }

    /** A host that no Service has stands for the address of a pod, which the data cannot know: that of who is to answer. */
    private void pod(Exchange exchange) throws InterruptedException {
        List<EchoPod> pods =
                backends().named(MESH_NAMESPACE, exchange.expectation().servedBy() + "-");
        if (exchange.request() == null || pods.isEmpty()) {
            notChecked("row " + exchange.number() + ": no Service and no pod is told for " + exchange.text());
        } else {
            exchange(exchange, new Target(pods.getFirst().address(), EchoPod.MESH_HTTP_PORT, null, meshClient()));
        }
    }

    private boolean sendable(Exchange exchange) {
        exchange.notUnderstood()
                .forEach(part -> notChecked("row " + exchange.number() + ": " + part + ", of " + exchange.text()));
        Exchange.Request request = exchange.request();
        if (request == null) {
            return exchange.call() != null;
        }
        if (!request.protocol().isEmpty() && !request.protocol().equals("HTTP/1.1")) {
            notChecked("row " + exchange.number() + ": " + request.protocol() + ", of " + exchange.text());
            return false;
        }
        if (!request.clientCertificate().isEmpty()) {
            notChecked("row " + exchange.number() + ": client certificate, of " + exchange.text());
            return false;
        }
        return true;
    }

    /** Sends a request to a target, and looks for its copies. */
    void exchange(Exchange exchange, Target target) throws InterruptedException {
        String what = "row " + exchange.number() + " (" + exchange.text() + ") at " + target;
        exchange(exchange, target, what, () -> once(target, exchange, ""));
    }

    private @Nullable String once(Target target, Exchange exchange, String mark)
            throws IOException, InterruptedException {
        if (target.tls() != null && !suite.servesHttps()) {
            return "the node " + ConformanceSuite.HTTPS_UNSERVED;
        }
        return exchange.request() == null
                ? OtherCalls.once(target, exchange, routeHost())
                : ExchangeRunner.once(target, exchange, mark);
    }

    /** An exchange made by other means: it must have no problem three times in a row. */
    void exchange(Exchange exchange, Target target, String what, Patience.Check attempt) throws InterruptedException {
        String problem = suite.patience().until(() -> {
            String found = null;
            for (int i = 0; i < IN_A_ROW && found == null; i++) {
                found = attempt.problem();
            }
            return found;
        });
        suite.report().checked();
        if (problem != null) {
            problems.add(what + ": " + problem);
            return;
        }
        for (Exchange.Mirror mirror : exchange.expectation().mirrors()) {
            if (mirror.percent() < 0) {
                String mark = UUID.randomUUID().toString();
                check(what + ", its copy to " + mirror.service(), () -> {
                    String again = copies(mirror, mark) > 0 ? null : ExchangeRunner.once(target, exchange, mark);
                    return again != null ? again : copies(mirror, mark) > 0 ? null : "no copy came";
                });
            } else {
                share(exchange, target, mirror);
            }
        }
    }

    private long copies(Exchange.Mirror mirror, String targetOrMark) {
        return backends().named(mirror.namespace(), mirror.service() + "-").stream()
                .mapToLong(pod -> pod.count(targetOrMark))
                .sum();
    }

    /** As the suite does: so many requests, and again if their copies were too many or too few. */
    private void share(Exchange exchange, Target target, Exchange.Mirror mirror) throws InterruptedException {
        double wanted = MIRRORED_REQUESTS * mirror.percent() / 100.0;
        List<String> seen = new ArrayList<>();
        for (int attempt = 0; attempt < MIRROR_ATTEMPTS; attempt++) {
            String mark = UUID.randomUUID().toString();
            for (int i = 0; i < MIRRORED_REQUESTS; i++) {
                try {
                    ExchangeRunner.once(target, exchange, mark);
                } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
                    seen.add(e.toString());
                }
            }
            // Copies may come after the answers.
            String problem = suite.patience().until(() -> {
                long copies = copies(mirror, mark);
                return Math.abs(copies - wanted) <= wanted * MIRROR_TOLERANCE
                                || copies > wanted * (1 + MIRROR_TOLERANCE)
                        ? null
                        : "too few";
            });
            long copies = copies(mirror, mark);
            if (problem == null && copies <= wanted * (1 + MIRROR_TOLERANCE)) {
                suite.report().checked();
                return;
            }
            seen.add(Long.toString(copies));
        }
        problems.add("row " + exchange.number() + ": of " + MIRRORED_REQUESTS + " requests, copies to "
                + mirror.service() + ": expected " + wanted + " within 5%, got " + seen);
    }

    private void distribution(Claim.Distribution wanted, Claim.Told told) throws IOException, InterruptedException {
        Exchange.Call call = test.exchanges().isEmpty()
                ? new Exchange.StreamEcho("")
                : test.exchanges().getFirst().call();
        List<Target> targets = targets(host(call), told.step());
        if (call == null || targets.size() != 1) {
            notChecked(told.text());
            return;
        }
        List<String> seen = new ArrayList<>();
        for (int attempt = 0; attempt < wanted.attempts(); attempt++) {
            Map<String, Integer> counts = new LinkedHashMap<>();
            for (int i = 0; i < wanted.requests(); i++) {
                String pod = pod(targets.getFirst(), call);
                String backend = wanted.weights().keySet().stream()
                        .filter(name -> pod.startsWith(name + "-"))
                        .findFirst()
                        .orElse("another: " + pod);
                counts.merge(backend, 1, Integer::sum);
            }
            boolean right = wanted.weights().keySet().containsAll(counts.keySet())
                    && wanted.weights().entrySet().stream().allMatch(weight -> {
                        double share = counts.getOrDefault(weight.getKey(), 0) / (double) wanted.requests();
                        // A backend of weight 0 gets nothing.
                        return weight.getValue() == 0
                                ? share == 0
                                : Math.abs(share - weight.getValue()) <= wanted.tolerance();
                    });
            if (right) {
                suite.report().checked();
                return;
            }
            seen.add(counts.toString());
        }
        problems.add(told.text() + ": got " + seen);
    }

    private String pod(Target target, Exchange.Call call) throws IOException {
        return switch (call) {
            case Exchange.Request request ->
                ExchangeRunner.send(target, request, request.target(), "").pod();
            case Exchange.GrpcCall grpc -> OtherCalls.grpc(target, grpc).pod();
            case Exchange.StreamEcho echo ->
                OtherCalls.stream(target, echo.serverName().isEmpty() ? routeHost() : echo.serverName())
                        .path("pod")
                        .asText();
            case Exchange.DatagramEcho _ ->
                OtherCalls.datagram(target).path("pod").asText();
        };
    }

    private String host(Exchange.@Nullable Call call) {
        return switch (call) {
            case Exchange.Request request -> request.host();
            case Exchange.GrpcCall grpc when mesh() -> grpc.authority();
            case null, default -> "";
        };
    }

    /** Where a request may be meant to go: to a Service, to the Gateways of claims with its step, or else to all that have claims. */
    private List<Target> targets(String host, String step) throws IOException, InterruptedException {
        if (mesh()) {
            Target service = new MeshTargets(suite.api(), documents).of(host, MESH_NAMESPACE, meshClient());
            return service == null ? List.of() : List.of(service);
        }
        List<Claim.GatewayServes> claims = test.claims().stream()
                .filter(told -> told.claim() instanceof Claim.GatewayServes)
                .filter(told -> told.step().equals(step))
                .map(told -> (Claim.GatewayServes) told.claim())
                .toList();
        if (claims.isEmpty()) {
            claims = test.claims().stream()
                    .filter(told -> told.claim() instanceof Claim.GatewayServes)
                    .map(told -> (Claim.GatewayServes) told.claim())
                    .toList();
        }
        Map<String, List<String>> listeners = new LinkedHashMap<>();
        for (Claim.GatewayServes claim : claims) {
            listeners.computeIfAbsent(claim.gateway(), _ -> new ArrayList<>()).addAll(claim.listeners());
        }
        if (listeners.isEmpty()) {
            gatewaysOfTheManifest().forEach(gateway -> listeners.put(gateway, List.of()));
        }
        Set<Target> targets = new LinkedHashSet<>();
        for (var gateway : listeners.entrySet()) {
            targets.add(target(gateway.getKey(), gateway.getValue(), host));
        }
        return List.copyOf(targets);
    }

    /** Whether the routes have Services as parents. */
    private boolean mesh() {
        return test.needs().contains("Mesh");
    }

    /** The address of the pod that sends requests unless it is told otherwise. */
    private String meshClient() {
        return backends().named(MESH_NAMESPACE, "echo-v1-").getFirst().address();
    }

    /** Where a request of a pod goes that names a host; null when no Service has that name. */
    @Nullable
    Target target(EchoPod client, String host) throws IOException, InterruptedException {
        return new MeshTargets(suite.api(), documents).of(host, client.namespace(), client.address());
    }

    /** Those that routes of the manifest name as parents. */
    private Set<String> gatewaysOfTheManifest() {
        Set<String> gateways = new LinkedHashSet<>();
        for (JsonNode document : documents) {
            for (JsonNode parent : document.at("/spec/parentRefs")) {
                if (parent.path("kind").asText("Gateway").equals("Gateway")) {
                    gateways.add(parent.path("namespace")
                                    .asText(document.at("/metadata/namespace").asText())
                            + "/" + parent.path("name").asText());
                }
            }
        }
        return gateways;
    }

    private Target target(String gateway, List<String> names, String host) throws IOException, InterruptedException {
        String bare = host.replaceFirst(":\\d+$", "");
        int asked = host.equals(bare) ? -1 : Integer.parseInt(host.substring(bare.length() + 1));
        List<JsonNode> listeners = listeners(gateway);
        JsonNode chosen = Stream.<Predicate<JsonNode>>of(
                        listener -> listener.path("port").asInt() == asked,
                        listener -> !names.isEmpty()
                                && names.getFirst().equals(listener.path("name").asText()),
                        listener -> !bare.isEmpty()
                                && bare.equals(listener.path("hostname").asText()),
                        listener -> listener.path("port").asInt() == 80,
                        _ -> true)
                .flatMap(rule -> listeners.stream().filter(rule))
                .findFirst()
                .orElseThrow(() -> new IOException("Gateway " + gateway + " has no listeners"));
        return target(gateway, chosen);
    }

    /** A listener of a Gateway. */
    Target target(String gateway, String listener) throws IOException, InterruptedException {
        return target(
                gateway,
                listeners(gateway).stream()
                        .filter(candidate -> candidate.path("name").asText().equals(listener))
                        .findFirst()
                        .orElseThrow(() -> new IOException("Gateway " + gateway + " has no listener " + listener)));
    }

    /** A listener of a Gateway, for a client that shows the certificate of a Secret (empty for none). */
    Target target(String gateway, String listener, String secret)
            throws IOException, InterruptedException, GeneralSecurityException {
        Target target = target(gateway, listener);
        return new Target(target.address(), target.port(), suite.certificates().client(secret));
    }

    private Target target(String gateway, JsonNode listener) throws IOException, InterruptedException {
        String address = suite.api()
                .get("Gateway", gateway)
                .at("/status/addresses/0/value")
                .asText();
        if (address.isEmpty()) {
            throw new IOException("Gateway " + gateway + " has no address");
        }
        boolean secured =
                List.of("HTTPS", "TLS").contains(listener.path("protocol").asText());
        return new Target(address, listener.path("port").asInt(), secured ? suite.tls() : null);
    }

    /** Listeners of a Gateway and of the ListenerSets that belong to it, as the manifests have them. */
    List<JsonNode> listeners(String gateway) {
        List<JsonNode> listeners = new ArrayList<>();
        Stream.concat(documents.stream(), suite.base().stream())
                .filter(document -> document.path("kind").asText().equals("Gateway")
                        && name(document).equals(gateway))
                .limit(1)
                .forEach(document -> document.at("/spec/listeners").forEach(listeners::add));
        documents.stream()
                .filter(document -> document.path("kind").asText().equals("ListenerSet"))
                .filter(document -> gateway.endsWith(
                        "/" + document.at("/spec/parentRef/name").asText()))
                .forEach(document -> document.at("/spec/listeners").forEach(listeners::add));
        return listeners;
    }

    /** Changes the spec of an object, whose generation must change then. */
    void change(String kind, String object, Consumer<ObjectNode> change) throws IOException, InterruptedException {
        JsonNode before = suite.api().get(kind, object);
        ObjectNode spec = before.path("spec").deepCopy();
        change.accept(spec);
        ObjectNode patch = JSON.createObjectNode();
        patch.set("spec", spec);
        JsonNode after = suite.api().patch(kind, object, patch);
        check("the generation of " + kind + " " + object + " changes", () -> {
            long generation = after.at("/metadata/generation").asLong();
            return generation != before.at("/metadata/generation").asLong() ? null : "still " + generation;
        });
    }
}
