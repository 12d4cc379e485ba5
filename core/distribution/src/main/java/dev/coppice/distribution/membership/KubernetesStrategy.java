package dev.coppice.distribution.membership;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.LinkedHashSet;
import java.util.Set;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/**
 * The pods of a Service, by the EndpointSlices of the Kubernetes API (discovery.k8s.io/v1). Pods that are not ready count, as
 * a node becomes ready only among others; those that end do not. The pod's account needs {@code list} on
 * {@code endpointslices} in its namespace.
 *
 * @param api such as {@code https://kubernetes.default.svc}
 * @param token read anew for every question, as Kubernetes replaces it; null for none
 * @param authority PEM certificates that the API's is signed by; null for the JVM's own
 * @param port where pods listen for other nodes
 */
public record KubernetesStrategy(
        URI api, @Nullable Path token, @Nullable Path authority, String namespace, String service, int port)
        implements Strategy {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int TIMEOUT_MILLIS = 5_000;
    private static final int MAX_BYTES = 4 << 20;
    private static final Path ACCOUNT = Path.of("/var/run/secrets/kubernetes.io/serviceaccount");

    /** For a pod, with what Kubernetes gives every pod. */
    public static KubernetesStrategy inPod(String namespace, String service, int port) {
        return new KubernetesStrategy(
                URI.create("https://kubernetes.default.svc"),
                ACCOUNT.resolve("token"),
                ACCOUNT.resolve("ca.crt"),
                namespace,
                service,
                port);
    }

    @Override
    public Set<InetSocketAddress> discover() throws IOException {
        String selector = URLEncoder.encode("kubernetes.io/service-name=" + service, StandardCharsets.UTF_8);
        URI question = api.resolve("/apis/discovery.k8s.io/v1/namespaces/" + namespace
                + "/endpointslices?limit=500&labelSelector=" + selector);
        HttpURLConnection connection = (HttpURLConnection) question.toURL().openConnection();
        try {
            connection.setConnectTimeout(TIMEOUT_MILLIS);
            connection.setReadTimeout(TIMEOUT_MILLIS);
            connection.setInstanceFollowRedirects(false);
            if (token != null) {
                connection.setRequestProperty(
                        "Authorization", "Bearer " + Files.readString(token).strip());
            }
            if (connection instanceof HttpsURLConnection secure && authority != null) {
                secure.setSSLSocketFactory(trust(authority).getSocketFactory());
            }
            int status = connection.getResponseCode();
            if (status != 200) {
                throw new IOException(question + " answers " + status
                        + ": expected 200; may the pod's account list endpointslices in " + namespace + "?");
            }
            try (InputStream in = connection.getInputStream()) {
                byte[] body = in.readNBytes(MAX_BYTES + 1);
                if (body.length > MAX_BYTES) {
                    throw new IOException(question + " answers more than " + MAX_BYTES + " bytes");
                }
                return addresses(JSON.readTree(body));
            }
        } finally {
            connection.disconnect();
        }
    }

    private Set<InetSocketAddress> addresses(JsonNode list) {
        Set<InetSocketAddress> found = new LinkedHashSet<>();
        for (JsonNode slice : list.path("items")) {
            for (JsonNode endpoint : slice.path("endpoints")) {
                if (!endpoint.path("conditions").path("terminating").asBoolean(false)) {
                    endpoint.path("addresses")
                            .forEach(each -> found.add(InetSocketAddress.createUnresolved(each.asText(), port)));
                }
            }
        }
        return found;
    }

    private static SSLContext trust(Path authority) throws IOException {
        try (InputStream in = Files.newInputStream(authority)) {
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            int number = 0;
            for (Certificate each : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                store.setCertificateEntry("authority" + number++, each);
            }
            TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            managers.init(store);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, managers.getTrustManagers(), null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new IOException(authority + " holds no certificates that can be used: " + e.getMessage(), e);
        }
    }
}
