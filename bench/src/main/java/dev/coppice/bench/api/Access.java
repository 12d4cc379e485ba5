package dev.coppice.bench.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.StringReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Base64;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.jspecify.annotations.Nullable;

/**
 * Where an API server is and how to show it who asks. Any certificate of the server is taken: these are loads on loopback.
 *
 * @param token empty for none
 */
record Access(String url, String token, SSLContext tls) {

    static Access withToken(String url, String token) throws GeneralSecurityException, IOException {
        return new Access(url, token, tls(null, null));
    }

    /** With a client certificate; both are PEM texts. */
    static Access withCertificate(String url, String certificate, String key)
            throws GeneralSecurityException, IOException {
        return new Access(url, "", tls(certificate, key));
    }

    /**
     * As the current context of a kubeconfig says.
     *
     * @param url instead of the server in it; empty for that one
     */
    static Access ofKubeconfig(Path file, String url) throws GeneralSecurityException, IOException {
        JsonNode tree = new ObjectMapper(new YAMLFactory()).readTree(Files.readString(file));
        JsonNode context =
                named(tree, "contexts", tree.path("current-context").asText()).path("context");
        JsonNode cluster =
                named(tree, "clusters", context.path("cluster").asText()).path("cluster");
        JsonNode user = named(tree, "users", context.path("user").asText()).path("user");
        String token = user.path("token").asText("");
        if (token.isEmpty() && user.has("tokenFile")) {
            token = Files.readString(file.resolveSibling(user.path("tokenFile").asText()))
                    .strip();
        }
        return new Access(
                url.isEmpty() ? cluster.path("server").asText().replaceAll("/+$", "") : url,
                token,
                tls(pem(file, user, "client-certificate"), pem(file, user, "client-key")));
    }

    private static JsonNode named(JsonNode tree, String list, String name) throws IOException {
        for (JsonNode each : tree.path(list)) {
            if (each.path("name").asText().equals(name)) {
                return each;
            }
        }
        throw new IOException("the kubeconfig has no \"" + name + "\" among its " + list);
    }

    private static @Nullable String pem(Path file, JsonNode user, String field) throws IOException {
        String data = user.path(field + "-data").asText("");
        if (!data.isEmpty()) {
            return new String(Base64.getMimeDecoder().decode(data), StandardCharsets.US_ASCII);
        }
        String name = user.path(field).asText("");
        return name.isEmpty() ? null : Files.readString(file.resolveSibling(name));
    }

    private static SSLContext tls(@Nullable String certificate, @Nullable String key)
            throws GeneralSecurityException, IOException {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(
                certificate == null || key == null ? null : shown(certificate, key),
                new TrustManager[] {new TrustingManager()},
                null);
        return context;
    }

    private static KeyManager[] shown(String certificate, String key) throws GeneralSecurityException, IOException {
        Certificate[] chain = CertificateFactory.getInstance("X.509")
                .generateCertificates(new ByteArrayInputStream(certificate.getBytes(StandardCharsets.US_ASCII)))
                .toArray(Certificate[]::new);
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setKeyEntry("client", privateKey(key), new char[0], chain);
        KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
        factory.init(store, new char[0]);
        return factory.getKeyManagers();
    }

    /** PKCS #8, or what kubeadm and openssl write: PKCS #1 and SEC 1. */
    private static PrivateKey privateKey(String pem) throws IOException {
        try (PEMParser parser = new PEMParser(new StringReader(pem))) {
            JcaPEMKeyConverter converter = new JcaPEMKeyConverter();
            for (Object part = parser.readObject(); part != null; part = parser.readObject()) {
                if (part instanceof PEMKeyPair pair) {
                    return converter.getKeyPair(pair).getPrivate();
                }
                if (part instanceof PrivateKeyInfo info) {
                    return converter.getPrivateKey(info);
                }
            }
        }
        throw new IOException("there is no private key in the client key's PEM");
    }

    private static final class TrustingManager extends X509ExtendedTrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
