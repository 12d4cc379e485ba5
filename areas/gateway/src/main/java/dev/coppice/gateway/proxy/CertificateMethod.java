package dev.coppice.gateway.proxy;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.gateway.authentication.HeaderText;
import dev.coppice.gateway.authentication.Identity;
import dev.coppice.gateway.authentication.Outcome;
import dev.coppice.gateway.config.SecurityConfig.Method;
import dev.coppice.kernel.Clock;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.Date;
import java.util.List;
import java.util.function.Consumer;
import javax.net.ssl.X509TrustManager;

/** The certificate that a client shows in TLS, by the authorities of the listener (RFC 8446, 4.4.2). */
final class CertificateMethod implements AccessMethod {
    private final Method.ClientCertificate config;
    private final Clock clock;

    CertificateMethod(Method.ClientCertificate config, Clock clock) {
        this.config = config;
        this.clock = clock;
    }

    @Override
    public void ask(RequestCredentials request, Consumer<Outcome> done) {
        PeerCertificates shown = request.client().peerCertificates();
        if (shown.chain().isEmpty()) {
            done.accept(Outcome.Absent.ABSENT);
            return;
        }
        X509TrustManager authorities = request.authorities();
        if (authorities == null || !shown.trusted(authorities, Date.from(clock.now()))) {
            done.accept(new Outcome.Refused("the client certificate is not accepted"));
            return;
        }
        try {
            done.accept(known(shown.chain().getFirst()));
        } catch (CertificateParsingException e) {
            done.accept(new Outcome.Refused("the client certificate is malformed"));
        }
    }

    private Outcome known(X509Certificate certificate) throws CertificateParsingException {
        CertificateNames names = CertificateNames.of(certificate);
        String subject = certificate.getSubjectX500Principal().getName();
        ObjectNode claims = JsonNodeFactory.instance.objectNode();
        claims.put("subject", subject);
        claims.put("issuer", certificate.getIssuerX500Principal().getName());
        claims.put("serial", certificate.getSerialNumber().toString(16));
        ArrayNode dns = claims.putArray("dns");
        names.dns().forEach(dns::add);
        ArrayNode uris = claims.putArray("uris");
        names.uris().forEach(uris::add);
        // A workload's name is a URI (SPIFFE), a machine's a DNS name.
        String name = !names.uris().isEmpty()
                ? names.uris().getFirst()
                : !names.dns().isEmpty() ? names.dns().getFirst() : subject;
        List<Outcome.Header> headers =
                config.header() == null ? List.of() : List.of(new Outcome.Header(config.header(), HeaderText.of(name)));
        return new Outcome.Known(new Identity("ClientCertificate", config.name(), name, claims), headers);
    }

    @Override
    public List<String> owned() {
        return config.header() == null ? List.of() : List.of(config.header());
    }
}
