package dev.coppice.serving;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.Kernel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class TlsListenerTest {
    @TempDir
    Path directory;

    @Test
    void aClientCertificateIsShownToTheHandler() throws Exception {
        try (Kernel kernel = Kernel.start()) {
            CertificateAuthority authority = CertificateAuthority.open(kernel, directory);
            HttpListener listener = listener(
                    kernel, authority.server(List.of("127.0.0.1"), CertificateAuthority.ClientCertificates.OPTIONAL));
            try {
                var pair = authority.client("admin", List.of("system:masters"), Duration.ofDays(1));
                assertThat(get(listener, authority, pair)).contains("CN=admin");
                assertThat(get(listener, authority, null)).isEqualTo("[]");
            } finally {
                listener.stop();
            }
        }
    }

    @Test
    void newCertificatesAreUsedForNewConnections() throws Exception {
        try (Kernel kernel = Kernel.start()) {
            CertificateAuthority authority = CertificateAuthority.open(kernel, directory);
            AtomicReference<TlsSource> source = new AtomicReference<>(
                    authority.server(List.of("127.0.0.1"), CertificateAuthority.ClientCertificates.NONE));
            AtomicReference<Long> generation = new AtomicReference<>(1L);
            HttpListener listener = listener(kernel, new TlsSource() {
                @Override
                public Material current() {
                    return source.get().current();
                }

                @Override
                public long generation() {
                    return generation.get();
                }
            });
            try {
                X509Certificate before = presented(listener, authority);
                source.set(
                        authority.server(List.of("127.0.0.1", "other"), CertificateAuthority.ClientCertificates.NONE));
                assertThat(presented(listener, authority)).isEqualTo(before);
                generation.set(2L);
                assertThat(presented(listener, authority)).isNotEqualTo(before);
            } finally {
                listener.stop();
            }
        }
    }

    private static X509Certificate presented(HttpListener listener, CertificateAuthority authority) throws Exception {
        try (SSLSocket socket = (SSLSocket) Trust.of(authority, null)
                .getSocketFactory()
                .createSocket("127.0.0.1", listener.address().orElseThrow().getPort())) {
            return (X509Certificate) socket.getSession().getPeerCertificates()[0];
        }
    }

    private static HttpListener listener(Kernel kernel, TlsSource source) throws Exception {
        HttpListener listener = new HttpListener(
                kernel,
                new ListenerOptions("tls", new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), source, 10, 10),
                null);
        listener.routes()
                .mount(
                        "/",
                        e -> e.send(
                                "text/plain",
                                e.clientCertificates().stream()
                                        .map(c -> c.getSubjectX500Principal().getName())
                                        .toList()
                                        .toString()));
        listener.start(r -> {});
        return listener;
    }

    private static String get(
            HttpListener listener,
            CertificateAuthority authority,
            CertificateAuthority.@org.jspecify.annotations.Nullable KeyPairPem pair)
            throws Exception {
        try (HttpClient client =
                HttpClient.newBuilder().sslContext(Trust.of(authority, pair)).build()) {
            HttpResponse<String> answer = client.send(
                    HttpRequest.newBuilder(URI.create("https://127.0.0.1:"
                                    + listener.address().orElseThrow().getPort() + "/"))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            assertThat(answer.version()).isEqualTo(HttpClient.Version.HTTP_2);
            return answer.body();
        }
    }
}
