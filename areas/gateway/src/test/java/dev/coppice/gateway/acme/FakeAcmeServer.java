package dev.coppice.gateway.acme;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import dev.coppice.serving.Pem;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.PublicKey;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequest;
import org.jspecify.annotations.Nullable;

/** An ACME server that does what a test tells it to, and believes whatever it is told. Signatures are not checked. */
final class FakeAcmeServer implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** An answer instead of the usual one. */
    record Refusal(int status, String type, String detail, Map<String, String> headers) {
        static Refusal problem(int status, String type, String detail) {
            return new Refusal(status, type, detail, Map.of());
        }
    }

    /** Nothing is answered until this is open; and how many requests wait for that. */
    volatile CountDownLatch gate = new CountDownLatch(0);

    final AtomicInteger held = new AtomicInteger();

    /** What becomes of a challenge that is looked at: valid, invalid, pending. */
    volatile Function<String, String> validation = _ -> "valid";

    /** How often orders are still being processed after they were finalized. */
    volatile int processing;

    /** Names that nobody asked for, which it certifies or wants authorizations for. */
    volatile List<String> moreNames = List.of();

    volatile List<String> moreAuthorizations = List.of();

    /** How much earlier than now certificates begin. */
    volatile Duration backdated = Duration.ZERO;

    volatile Duration validity = Duration.ofDays(90);
    volatile Instant now = Instant.parse("2026-01-01T00:00:00Z");

    final List<String> requests = new ArrayList<>();
    final Map<String, ObjectNode> orders = new LinkedHashMap<>();
    private final Map<String, ObjectNode> authorizations = new LinkedHashMap<>();
    private final Map<String, String> chains = new LinkedHashMap<>();
    private final Deque<Map.Entry<String, Refusal>> refusals = new ArrayDeque<>();
    private final KeyPair keys = key();
    private final X509Certificate authority;
    private final HttpsServer server;
    private final String base;
    private int count;

    FakeAcmeServer() throws Exception {
        authority = certificate("Fake Root", keys.getPublic(), List.of("localhost"), true);
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setKeyEntry("it", keys.getPrivate(), new char[0], new Certificate[] {authority});
        KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
        factory.init(store, new char[0]);
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(factory.getKeyManagers(), null, null);
        server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(tls));
        server.createContext("/", this::handle);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.start();
        base = "https://localhost:" + server.getAddress().getPort();
    }

    String directory() {
        return base + "/directory";
    }

    /** The authority of its own certificate, PEM in base64. */
    String bundle() {
        return Base64.getEncoder().encodeToString(Pem.encode(authority).getBytes(StandardCharsets.US_ASCII));
    }

    /** The next request to a path that begins so is refused. */
    synchronized void refuse(String path, Refusal refusal) {
        refusals.add(Map.entry(path, refusal));
    }

    synchronized long count(String path) {
        return requests.stream().filter(each -> each.startsWith(path)).count();
    }

    private static KeyPair key() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(256);
        return generator.generateKeyPair();
    }

    private X509Certificate certificate(String subject, PublicKey key, List<String> names, boolean root)
            throws Exception {
        JcaX509v3CertificateBuilder builder = new JcaX509v3CertificateBuilder(
                new X500Name("CN=Fake Root"),
                BigInteger.valueOf(++count),
                root ? Date.from(Instant.now().minus(Duration.ofDays(1))) : Date.from(now.minus(backdated)),
                root
                        ? Date.from(Instant.now().plus(Duration.ofDays(1)))
                        : Date.from(now.minus(backdated).plus(validity)),
                new X500Name("CN=" + subject),
                key);
        builder.addExtension(
                Extension.subjectAlternativeName,
                false,
                new GeneralNames(names.stream()
                        .map(each -> new GeneralName(GeneralName.dNSName, each))
                        .toArray(GeneralName[]::new)));
        if (root) {
            builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(true));
        }
        return new JcaX509CertificateConverter()
                .getCertificate(builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate())));
    }

    private void handle(HttpExchange exchange) throws IOException {
        held.incrementAndGet();
        try {
            gate.await();
        } catch (InterruptedException e) {
            throw new IOException(e);
        } finally {
            held.decrementAndGet();
        }
        answer(exchange);
    }

    private synchronized void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            String path = exchange.getRequestURI().getPath();
            byte[] body = exchange.getRequestBody().readAllBytes();
            requests.add(path);
            exchange.getResponseHeaders().set("Replay-Nonce", "nonce" + ++count);
            Map.Entry<String, Refusal> refused = refusals.stream()
                    .filter(each -> path.startsWith(each.getKey()))
                    .findFirst()
                    .orElse(null);
            if (refused != null) {
                refusals.remove(refused);
                refuse(exchange, refused.getValue());
                return;
            }
            answer(exchange, path, body.length == 0 ? null : payload(body));
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IOException(e);
        }
    }

    private static void refuse(HttpExchange exchange, Refusal refusal) throws IOException {
        refusal.headers.forEach(exchange.getResponseHeaders()::set);
        boolean problem = !refusal.type.isEmpty();
        exchange.getResponseHeaders().set("Content-Type", problem ? "application/problem+json" : "text/plain");
        byte[] text = (problem
                        ? "{\"type\":\"urn:ietf:params:acme:error:" + refusal.type + "\",\"detail\":\"" + refusal.detail
                                + "\"}"
                        : refusal.detail)
                .getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(refusal.status, text.length == 0 ? -1 : text.length);
        exchange.getResponseBody().write(text);
    }

    private static @Nullable JsonNode payload(byte[] body) throws IOException {
        String payload = JSON.readTree(body).path("payload").asText();
        return payload.isEmpty() ? null : JSON.readTree(Base64.getUrlDecoder().decode(payload));
    }

    private void answer(HttpExchange exchange, String path, @Nullable JsonNode payload) throws Exception {
        String[] parts = path.split("/");
        switch (parts[1]) {
            case "directory" -> {
                ObjectNode directory = JSON.createObjectNode();
                for (String each : List.of("newNonce", "newAccount", "newOrder")) {
                    directory.put(each, base + "/" + each);
                }
                send(exchange, 200, directory);
            }
            case "newNonce" -> exchange.sendResponseHeaders(200, -1);
            case "newAccount" -> {
                exchange.getResponseHeaders().set("Location", base + "/account/1");
                send(exchange, 201, JSON.createObjectNode().put("status", "valid"));
            }
            case "account" -> send(exchange, 200, JSON.createObjectNode().put("status", "valid"));
            case "newOrder" -> order(exchange, Objects.requireNonNull(payload));
            case "order" -> send(exchange, 200, look(parts[2]));
            case "authorization" -> send(exchange, 200, authorizations.get(parts[2]));
            case "challenge" -> send(exchange, 200, challenge(parts[2], parts[3], payload));
            case "finalize" -> {
                finalizeOrder(parts[2], Objects.requireNonNull(payload));
                send(exchange, 200, orders.get(parts[2]));
            }
            case "certificate" -> {
                exchange.getResponseHeaders().set("Content-Type", "application/pem-certificate-chain");
                byte[] chain = chains.get(parts[2]).getBytes(StandardCharsets.US_ASCII);
                exchange.sendResponseHeaders(200, chain.length);
                exchange.getResponseBody().write(chain);
            }
            default -> exchange.sendResponseHeaders(404, -1);
        }
    }

    private static void send(HttpExchange exchange, int status, JsonNode body) throws IOException {
        byte[] bytes = JSON.writeValueAsBytes(body);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    private void order(HttpExchange exchange, JsonNode payload) throws IOException {
        String id = "o" + (orders.size() + 1);
        ObjectNode order = JSON.createObjectNode().put("status", "pending");
        order.set("identifiers", payload.get("identifiers"));
        ArrayNode urls = order.putArray("authorizations");
        List<JsonNode> wanted = new ArrayList<>();
        payload.get("identifiers").forEach(wanted::add);
        moreAuthorizations.forEach(
                each -> wanted.add(JSON.createObjectNode().put("type", "dns").put("value", each)));
        for (JsonNode each : wanted) {
            String name = id + "-" + urls.size();
            ObjectNode authorization = JSON.createObjectNode().put("status", "pending");
            authorization.set("identifier", each);
            ArrayNode challenges = authorization.putArray("challenges");
            for (String type : List.of("http-01", "tls-alpn-01", "dns-01")) {
                challenges
                        .addObject()
                        .put("type", type)
                        .put("status", "pending")
                        .put("url", base + "/challenge/" + name + "/" + type)
                        .put("token", "token-" + name + "-" + type);
            }
            authorizations.put(name, authorization);
            urls.add(base + "/authorization/" + name);
        }
        order.put("finalize", base + "/finalize/" + id);
        orders.put(id, order);
        exchange.getResponseHeaders().set("Location", base + "/order/" + id);
        send(exchange, 201, order);
    }

    private ObjectNode challenge(String name, String type, @Nullable JsonNode payload) {
        ObjectNode authorization = authorizations.get(name);
        for (JsonNode each : authorization.get("challenges")) {
            if (each.get("type").asText().equals(type)) {
                ObjectNode challenge = (ObjectNode) each;
                if (payload != null) {
                    String outcome = validation.apply(
                            authorization.at("/identifier/value").asText());
                    challenge.put("status", outcome);
                    authorization.put("status", outcome);
                    if (!outcome.equals("valid")) {
                        challenge
                                .putObject("error")
                                .put("type", "urn:ietf:params:acme:error:connection")
                                .put("detail", "nobody is there");
                    }
                    settle(name.substring(0, name.indexOf('-')));
                }
                return challenge;
            }
        }
        throw new IllegalArgumentException(type);
    }

    private void settle(String id) {
        ObjectNode order = orders.get(id);
        boolean all = true;
        for (JsonNode each : order.get("authorizations")) {
            String url = each.asText();
            String status = authorizations
                    .get(url.substring(url.lastIndexOf('/') + 1))
                    .get("status")
                    .asText();
            all &= status.equals("valid");
            if (status.equals("invalid")) {
                order.put("status", "invalid");
            }
        }
        if (all) {
            order.put("status", "ready");
        }
    }

    private void finalizeOrder(String id, JsonNode payload) throws Exception {
        JcaPKCS10CertificationRequest request = new JcaPKCS10CertificationRequest(
                Base64.getUrlDecoder().decode(payload.get("csr").asText()));
        List<String> names = new ArrayList<>(moreNames);
        orders.get(id)
                .get("identifiers")
                .forEach(each -> names.add(each.get("value").asText()));
        chains.put(id, Pem.encode(List.of(certificate("Leaf", request.getPublicKey(), names, false), authority)));
        orders.get(id).put("status", "processing");
        if (processing == 0) {
            look(id);
        }
    }

    private ObjectNode look(String id) {
        ObjectNode order = orders.get(id);
        if (order.get("status").asText().equals("processing") && processing-- <= 0) {
            processing = 0;
            order.put("status", "valid").put("certificate", base + "/certificate/" + id);
        }
        return order;
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
