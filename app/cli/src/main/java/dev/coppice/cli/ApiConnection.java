package dev.coppice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.kernel.Clock;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.time.Instant;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** A connection to the API of a running node, as its administrator. */
final class ApiConnection implements AutoCloseable {
    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    private final HttpClient client;
    private final String server;
    private final String token;

    /** An answer of the API. */
    record Answer(int status, String body) {}

    private ApiConnection(HttpClient client, String server, String token) {
        this.client = client;
        this.server = server;
        this.token = token;
    }

    /** Connects to the node that wrote {@code node.json}. */
    static ApiConnection open(JsonNode node) throws IOException {
        String authority =
                Files.readString(Path.of(node.path("certificateAuthority").asText()));
        String token =
                Files.readString(Path.of(node.path("tokenFile").asText())).strip();
        try {
            KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
            trusted.load(null, null);
            trusted.setCertificateEntry(
                    "coppice",
                    CertificateFactory.getInstance("X.509")
                            .generateCertificate(
                                    new ByteArrayInputStream(authority.getBytes(StandardCharsets.US_ASCII))));
            TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            managers.init(trusted);
            SSLContext tls = SSLContext.getInstance("TLS");
            tls.init(null, managers.getTrustManagers(), null);
            HttpClient client = HttpClient.newBuilder()
                    .sslContext(tls)
                    .connectTimeout(TIMEOUT)
                    .build();
            return new ApiConnection(client, node.path("api").asText(), token);
        } catch (GeneralSecurityException e) {
            throw new IOException("the certificate authority of the node cannot be used: " + e.getMessage(), e);
        }
    }

    Answer get(String path) throws IOException, InterruptedException {
        HttpResponse<String> response = client.send(
                HttpRequest.newBuilder(URI.create(server + path))
                        .header("Authorization", "Bearer " + token)
                        .header("Accept", "application/json")
                        .timeout(TIMEOUT)
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        return new Answer(response.statusCode(), response.body());
    }

    /** The time, as the node's answers are compared with it. */
    Instant now() {
        return Clock.system().now();
    }

    @Override
    public void close() {
        client.close();
    }
}
