package dev.coppice.acceptance.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/** A node's resource API as an administrator uses it: kinds by discovery, server-side apply, merge patches. For one thread. */
public final class ResourceApi implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final String FIELD_MANAGER = "gateway-conformance";

    private record Served(String path, boolean namespaced) {}

    private final HttpClient client;
    private final String url;
    private final String token;
    private final Map<String, Map<String, Served>> kinds = new HashMap<>();
    private final Map<String, String> apiVersions = new HashMap<>();

    /** @param authority file with the certificate that signs the node's */
    public ResourceApi(String url, String token, Path authority) throws IOException, GeneralSecurityException {
        this.url = url;
        this.token = token;
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        try (InputStream in = Files.newInputStream(authority)) {
            int number = 0;
            for (var certificate : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                trusted.setCertificateEntry("authority-" + number++, certificate);
            }
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(null, trust.getTrustManagers(), null);
        this.client = HttpClient.newBuilder().sslContext(tls).build();
    }

    private HttpResponse<String> send(String method, String path, String contentType, String body)
            throws IOException, InterruptedException {
        return client.send(
                HttpRequest.newBuilder(URI.create(url + path))
                        .timeout(LIMIT)
                        .header("Authorization", "Bearer " + token)
                        .header("Content-Type", contentType)
                        .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                        .build(),
                BodyHandlers.ofString());
    }

    private static String group(String apiVersion) {
        return apiVersion.contains("/") ? "/apis/" + apiVersion : "/api/" + apiVersion;
    }

    private @Nullable Served served(String apiVersion, String kind) throws IOException, InterruptedException {
        Map<String, Served> known = kinds.get(apiVersion);
        if (known == null) {
            known = new HashMap<>();
            HttpResponse<String> answer = send("GET", group(apiVersion), "application/json", "");
            if (answer.statusCode() == 200) {
                for (JsonNode resource : JSON.readTree(answer.body()).path("resources")) {
                    String plural = resource.path("name").asText();
                    if (!plural.contains("/")) {
                        known.put(
                                resource.path("kind").asText(),
                                new Served(plural, resource.path("namespaced").asBoolean()));
                    }
                }
            }
            kinds.put(apiVersion, known);
        }
        return known.get(kind);
    }

    /** Whether the node has this kind of document. */
    public boolean serves(JsonNode document) throws IOException, InterruptedException {
        return served(
                        document.path("apiVersion").asText(),
                        document.path("kind").asText())
                != null;
    }

    private String path(String apiVersion, String kind, String namespace, String name)
            throws IOException, InterruptedException {
        Served served = served(apiVersion, kind);
        if (served == null) {
            throw new IOException("the node does not serve " + kind + " of " + apiVersion);
        }
        return group(apiVersion)
                + (served.namespaced() ? "/namespaces/" + (namespace.isEmpty() ? "default" : namespace) : "") + "/"
                + served.path() + "/" + name;
    }

    private String path(JsonNode document) throws IOException, InterruptedException {
        return path(
                document.path("apiVersion").asText(),
                document.path("kind").asText(),
                document.at("/metadata/namespace").asText(),
                document.at("/metadata/name").asText());
    }

    /** Makes an object as a document says. */
    public JsonNode apply(JsonNode document) throws IOException, InterruptedException {
        apiVersions.put(
                document.path("kind").asText(), document.path("apiVersion").asText());
        HttpResponse<String> answer = send(
                "PATCH",
                path(document) + "?force=true&fieldManager=" + FIELD_MANAGER,
                "application/apply-patch+yaml",
                document.toString());
        if (answer.statusCode() / 100 != 2) {
            throw new IOException("apply of " + document.path("kind").asText() + " "
                    + document.at("/metadata/name").asText() + ": " + answer.statusCode() + " " + answer.body());
        }
        return JSON.readTree(answer.body());
    }

    /** Changes an object; {@code patch} is a JSON merge patch (RFC 7386). */
    public JsonNode patch(String kind, String object, ObjectNode patch) throws IOException, InterruptedException {
        HttpResponse<String> answer =
                send("PATCH", path(kind, object), "application/merge-patch+json", patch.toString());
        if (answer.statusCode() / 100 != 2) {
            throw new IOException("patch of " + kind + " " + object + ": " + answer.statusCode() + " " + answer.body());
        }
        return JSON.readTree(answer.body());
    }

    public void delete(JsonNode document) throws IOException, InterruptedException {
        delete(path(document));
    }

    public void delete(String kind, String object) throws IOException, InterruptedException {
        delete(path(kind, object));
    }

    private void delete(String path) throws IOException, InterruptedException {
        HttpResponse<String> answer = send("DELETE", path, "application/json", "");
        if (answer.statusCode() / 100 != 2 && answer.statusCode() != 404) {
            throw new IOException("delete of " + path + ": " + answer.statusCode() + " " + answer.body());
        }
    }

    /** Takes note of which version a kind has, for {@link #get} by the kind's name alone. */
    public void know(JsonNode document) {
        apiVersions.putIfAbsent(
                document.path("kind").asText(), document.path("apiVersion").asText());
    }

    private String path(String kind, String object) throws IOException, InterruptedException {
        int slash = object.indexOf('/');
        return path(
                apiVersions.getOrDefault(kind, "gateway.networking.k8s.io/v1"),
                kind,
                slash < 0 ? "" : object.substring(0, slash),
                object.substring(slash + 1));
    }

    /** An object by its kind and {@code NAMESPACE/NAME}; a missing node where there is none. */
    public JsonNode get(String kind, String object) throws IOException, InterruptedException {
        HttpResponse<String> answer = send("GET", path(kind, object), "application/json", "");
        if (answer.statusCode() == 404) {
            return com.fasterxml.jackson.databind.node.MissingNode.getInstance();
        }
        if (answer.statusCode() != 200) {
            throw new IOException("get of " + kind + " " + object + ": " + answer.statusCode() + " " + answer.body());
        }
        return JSON.readTree(answer.body());
    }

    @Override
    public void close() {
        client.close();
    }
}
