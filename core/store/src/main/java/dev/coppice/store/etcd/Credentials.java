package dev.coppice.store.etcd;

import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * What a call shows of its sender.
 *
 * @param needsLeader whether it is to fail when there is no leader, rather than wait for one
 */
record Credentials(
        List<X509Certificate> certificates, @Nullable String token, boolean needsLeader) {

    static final Credentials NONE = new Credentials(List.of(), null, false);

    private static final Metadata.Key<String> TOKEN = Metadata.Key.of("token", Metadata.ASCII_STRING_MARSHALLER);
    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private static final Metadata.Key<String> HAS_LEADER =
            Metadata.Key.of("hasleader", Metadata.ASCII_STRING_MARSHALLER);

    static boolean needsLeader(Metadata headers) {
        return "true".equals(headers.get(HAS_LEADER));
    }

    static Credentials of(ServerCall<?, ?> call, Metadata headers) {
        String token = headers.get(TOKEN);
        return new Credentials(
                certificates(call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION)),
                token != null ? token : headers.get(AUTHORIZATION),
                needsLeader(headers));
    }

    Credentials withoutToken() {
        return new Credentials(certificates, null, needsLeader);
    }

    private static List<X509Certificate> certificates(@Nullable SSLSession session) {
        List<X509Certificate> found = new ArrayList<>();
        if (session != null) {
            try {
                for (Certificate each : session.getPeerCertificates()) {
                    if (each instanceof X509Certificate certificate) {
                        found.add(certificate);
                    }
                }
            } catch (SSLPeerUnverifiedException e) {
                return List.of();
            }
        }
        return found;
    }
}
