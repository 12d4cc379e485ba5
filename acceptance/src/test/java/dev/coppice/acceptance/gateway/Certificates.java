package dev.coppice.acceptance.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.acceptance.Shell;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/**
 * The Secrets and ConfigMaps with certificates that the conformance suite makes before its tests, made with openssl. One
 * authority signs all of them.
 */
final class Certificates {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final String INFRA = "gateway-conformance-infra";

    /** Secrets of type {@code kubernetes.io/tls}, with the names in their certificates. */
    private static final Map<String, List<String>> SECRETS = Map.of(
            "gateway-conformance-web-backend/certificate",
            List.of("DNS:*"),
            INFRA + "/tls-validity-checks-certificate",
            List.of("DNS:*", "DNS:*.org", "DNS:*.wildcard.org"),
            INFRA + "/tls-passthrough-checks-certificate",
            List.of("DNS:abc.example.com"),
            "gateway-conformance-app-backend/tls-passthrough-checks-certificate",
            List.of("DNS:abc.example.com"),
            INFRA + "/tls-terminate-checks-certificate",
            List.of("DNS:*", "DNS:abc.example.com"),
            INFRA + "/tls-checks-certificate",
            List.of("DNS:abc.example.com", "DNS:other.example.com", "URI:spiffe://abc.example.com/test-identity"),
            INFRA + "/tls-checks-client-certificate",
            List.of("DNS:client.example.com"));

    /** ConfigMaps with the certificate that signs those above, and one that signs nothing. */
    private static final List<String> AUTHORITIES = List.of(
            INFRA + "/tls-checks-ca-certificate",
            INFRA + "/tls-validity-checks-ca-certificate",
            INFRA + "/tls-validity-checks-per-port-ca-certificate");

    private static final String UNRELATED_AUTHORITY = INFRA + "/mismatch-ca-certificate";

    private final Path folder;

    Certificates(Path folder) throws IOException, InterruptedException {
        this.folder = folder;
        authority("authority");
        authority("unrelated");
        for (var secret : SECRETS.entrySet()) {
            signed(file(secret.getKey()), String.join(",", secret.getValue()));
        }
    }

    private static String file(String object) {
        return object.replace('/', '_');
    }

    private void openssl(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("openssl"));
        command.addAll(List.of(arguments));
        Shell.Outcome outcome = Shell.run(LIMIT, Map.of(), null, command);
        if (outcome.status() != 0) {
            throw new IOException(String.join(" ", command) + ":\n" + outcome.output());
        }
    }

    private String path(String name) {
        return folder.resolve(name).toString();
    }

    private void authority(String name) throws IOException, InterruptedException {
        openssl(
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=" + name,
                "-keyout",
                path(name + ".key"),
                "-out",
                path(name + ".crt"));
    }

    private void signed(String name, String names) throws IOException, InterruptedException {
        Path extensions = Files.writeString(folder.resolve(name + ".ext"), "subjectAltName=" + names + "\n");
        openssl(
                "req",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-subj",
                "/CN=conformance",
                "-keyout",
                path(name + ".key"),
                "-out",
                path(name + ".csr"));
        openssl(
                "x509",
                "-req",
                "-days",
                "2",
                "-in",
                path(name + ".csr"),
                "-CA",
                path("authority.crt"),
                "-CAkey",
                path("authority.key"),
                "-CAcreateserial",
                "-extfile",
                extensions.toString(),
                "-out",
                path(name + ".crt"));
    }

    private String read(String name) throws IOException {
        return Files.readString(folder.resolve(name));
    }

    /** The documents to be applied. */
    List<JsonNode> documents() throws IOException {
        List<JsonNode> documents = new ArrayList<>();
        for (String secret : SECRETS.keySet()) {
            ObjectNode document = document("Secret", secret).put("type", "kubernetes.io/tls");
            document.putObject("data")
                    .put("tls.crt", base64(read(file(secret) + ".crt")))
                    .put("tls.key", base64(read(file(secret) + ".key")));
            documents.add(document);
        }
        for (String map : Stream.concat(AUTHORITIES.stream(), Stream.of(UNRELATED_AUTHORITY))
                .collect(Collectors.toList())) {
            ObjectNode document = document("ConfigMap", map);
            document.putObject("data")
                    .put("ca.crt", read(map.equals(UNRELATED_AUTHORITY) ? "unrelated.crt" : "authority.crt"));
            documents.add(document);
        }
        return documents;
    }

    private static ObjectNode document(String kind, String object) {
        int slash = object.indexOf('/');
        ObjectNode document = JSON.createObjectNode().put("apiVersion", "v1").put("kind", kind);
        document.putObject("metadata")
                .put("namespace", object.substring(0, slash))
                .put("name", object.substring(slash + 1));
        return document;
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    /** For a server with the certificate of a Secret; null when there is none. */
    @Nullable
    SslContext server(String secret) {
        if (!SECRETS.containsKey(secret)) {
            return null;
        }
        try {
            return SslContextBuilder.forServer(
                            folder.resolve(file(secret) + ".crt").toFile(),
                            folder.resolve(file(secret) + ".key").toFile())
                    .build();
        } catch (SSLException e) {
            throw new IllegalStateException("no TLS with the certificate of " + secret, e);
        }
    }

    /** For clients that trust the authority. */
    SSLContext client() throws GeneralSecurityException, IOException {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        trusted.setCertificateEntry(
                "authority",
                CertificateFactory.getInstance("X.509")
                        .generateCertificate(
                                new ByteArrayInputStream(read("authority.crt").getBytes(StandardCharsets.UTF_8))));
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(null, trust.getTrustManagers(), null);
        return tls;
    }
}
