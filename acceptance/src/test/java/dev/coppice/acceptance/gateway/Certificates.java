package dev.coppice.acceptance.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.acceptance.Shell;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;
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

    /** ConfigMaps with the certificate of an authority. The unrelated one signs nothing. */
    private static final Map<String, String> AUTHORITIES = Map.of(
            INFRA + "/tls-checks-ca-certificate", "authority",
            INFRA + "/tls-validity-checks-ca-certificate", "clients",
            INFRA + "/tls-validity-checks-per-port-ca-certificate", "per-port",
            INFRA + "/mismatch-ca-certificate", "unrelated");

    /** Clients' certificates, with who signs them. */
    private static final Map<String, String> CLIENTS = Map.of(
            INFRA + "/tls-validity-checks-client-certificate", "clients",
            INFRA + "/tls-validity-checks-per-port-client-certificate", "per-port");

    private final Path folder;

    Certificates(Path folder) throws IOException, InterruptedException {
        this.folder = folder;
        for (String authority : AUTHORITIES.values()) {
            authority(authority);
        }
        for (var secret : SECRETS.entrySet()) {
            signed("authority", file(secret.getKey()), String.join(",", secret.getValue()));
        }
        for (var client : CLIENTS.entrySet()) {
            signed(client.getValue(), file(client.getKey()), "DNS:client.example.com");
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

    private void signed(String authority, String name, String names) throws IOException, InterruptedException {
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
                path(authority + ".crt"),
                "-CAkey",
                path(authority + ".key"),
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
        for (String secret : Stream.concat(SECRETS.keySet().stream(), CLIENTS.keySet().stream())
                .toList()) {
            ObjectNode document = document("Secret", secret).put("type", "kubernetes.io/tls");
            document.putObject("data")
                    .put("tls.crt", base64(read(file(secret) + ".crt")))
                    .put("tls.key", base64(read(file(secret) + ".key")));
            documents.add(document);
        }
        for (var map : AUTHORITIES.entrySet()) {
            ObjectNode document = document("ConfigMap", map.getKey());
            document.putObject("data").put("ca.crt", read(map.getValue() + ".crt"));
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

    /** The certificates of a Secret, in PEM, the first first. */
    List<String> chain(String secret) throws IOException {
        return List.of(read(file(secret) + ".crt"));
    }

    /**
     * For a server with the certificate of a Secret; null when there is none.
     *
     * @param authorities of clients, who have to show a certificate: a ConfigMap; empty: they need not
     */
    @Nullable
    SslContext server(String secret, String authorities) {
        if (!SECRETS.containsKey(secret)) {
            return null;
        }
        try {
            SslContextBuilder builder = SslContextBuilder.forServer(
                    folder.resolve(file(secret) + ".crt").toFile(),
                    folder.resolve(file(secret) + ".key").toFile());
            String authority = AUTHORITIES.get(authorities);
            if (authority != null) {
                builder.trustManager(folder.resolve(authority + ".crt").toFile())
                        .clientAuth(ClientAuth.REQUIRE);
            }
            return builder.build();
        } catch (SSLException e) {
            throw new IllegalStateException("no TLS with the certificate of " + secret, e);
        }
    }

    /**
     * For clients that trust the authority of servers.
     *
     * @param secret whose certificate the client shows, whatever the server asks for; empty for none
     */
    SSLContext client(String secret) throws GeneralSecurityException, IOException {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        trusted.setCertificateEntry("authority", certificate("authority"));
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext tls = SSLContext.getInstance("TLS");
        KeyManager[] keys = secret.isEmpty() ? null : new KeyManager[] {shown(secret)};
        tls.init(keys, trust.getTrustManagers(), null);
        return tls;
    }

    private X509Certificate certificate(String name) throws GeneralSecurityException, IOException {
        return (X509Certificate) CertificateFactory.getInstance("X.509")
                .generateCertificate(
                        new ByteArrayInputStream(read(name + ".crt").getBytes(StandardCharsets.UTF_8)));
    }

    private KeyManager shown(String secret) throws GeneralSecurityException, IOException {
        String pem = read(file(secret) + ".key").replaceAll("-----[A-Z ]+-----|\\s", "");
        return new Shown(
                certificate(file(secret)),
                KeyFactory.getInstance("EC")
                        .generatePrivate(
                                new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem))));
    }

    /** Shows one certificate to every server: Java's own picks only what the server says it trusts. */
    private static final class Shown extends X509ExtendedKeyManager {
        private static final String ALIAS = "client";
        private final X509Certificate certificate;
        private final PrivateKey key;

        Shown(X509Certificate certificate, PrivateKey key) {
            this.certificate = certificate;
            this.key = key;
        }

        @Override
        public String chooseClientAlias(String[] types, Principal @Nullable [] issuers, @Nullable Socket socket) {
            return ALIAS;
        }

        @Override
        public String chooseEngineClientAlias(
                String[] types, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
            return ALIAS;
        }

        @Override
        public X509Certificate[] getCertificateChain(String alias) {
            return new X509Certificate[] {certificate};
        }

        @Override
        public PrivateKey getPrivateKey(String alias) {
            return key;
        }

        @Override
        public String[] getClientAliases(String type, Principal @Nullable [] issuers) {
            return new String[] {ALIAS};
        }

        @Override
        public String @Nullable [] getServerAliases(String type, Principal @Nullable [] issuers) {
            return null;
        }

        @Override
        public @Nullable String chooseServerAlias(
                String type, Principal @Nullable [] issuers, @Nullable Socket socket) {
            return null;
        }
    }
}
