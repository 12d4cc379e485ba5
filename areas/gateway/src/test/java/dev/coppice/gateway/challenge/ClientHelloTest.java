package dev.coppice.gateway.challenge;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Arrays;
import java.util.Random;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import org.junit.jupiter.api.Test;

/** What is read of a TLS client's first message, and what is shown to it. */
final class ClientHelloTest {
    private static final String ACME = ChallengeCertificate.PROTOCOL;

    /** As the JDK's TLS writes it, without the headers of record and handshake. */
    private static byte[] hello(String... protocols) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, null, null);
        SSLEngine engine = context.createSSLEngine("shop.example", 443);
        engine.setUseClientMode(true);
        SSLParameters parameters = engine.getSSLParameters();
        parameters.setApplicationProtocols(protocols);
        engine.setSSLParameters(parameters);
        ByteBuffer out = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
        engine.wrap(ByteBuffer.allocate(0), out);
        return Arrays.copyOfRange(out.array(), 5 + 4, out.position());
    }

    @Test
    void onlyTheOneProtocolCounts() throws Exception {
        assertThat(ClientHello.offersOnly(ACME, ByteBuffer.wrap(hello(ACME)))).isTrue();
        assertThat(ClientHello.offersOnly(ACME, ByteBuffer.wrap(hello("h2", ACME))))
                .isFalse();
        assertThat(ClientHello.offersOnly(ACME, ByteBuffer.wrap(hello(ACME, "h2"))))
                .isFalse();
        assertThat(ClientHello.offersOnly(ACME, ByteBuffer.wrap(hello("http/1.1"))))
                .isFalse();
        assertThat(ClientHello.offersOnly(ACME, ByteBuffer.wrap(hello()))).isFalse();
    }

    @Test
    void whateverComesIsReadWithoutAFault() throws Exception {
        long seed = new SecureRandom().nextLong();
        Random random = new Random(seed);
        byte[] whole = hello(ACME);
        for (int cut = 0; cut < whole.length; cut++) {
            // Cut off before its extensions' end, it is none.
            assertThat(ClientHello.offersOnly(
                            ACME, ByteBuffer.wrap(whole, 0, cut).slice()))
                    .as("cut at %d", cut)
                    .isFalse();
        }
        for (int i = 0; i < 20_000; i++) {
            byte[] changed = whole.clone();
            for (int n = random.nextInt(4); n >= 0; n--) {
                changed[random.nextInt(changed.length)] = (byte) random.nextInt();
            }
            try {
                boolean _ = ClientHello.offersOnly(ACME, ByteBuffer.wrap(changed));
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
    }

    @Test
    void theCertificateAnswersItsChallengeOnly() throws Exception {
        ChallengeCertificate made =
                ChallengeCertificate.of("shop.example", "token.print", new SecureRandom(), Instant.now());
        X509Certificate certificate =
                dev.coppice.serving.Pem.certificates(made.chain()).getFirst();
        assertThat(certificate.getCriticalExtensionOIDs()).contains("1.3.6.1.5.5.7.1.31");
        assertThat(certificate.getSubjectAlternativeNames().toString()).isEqualTo("[[2, shop.example]]");
        assertThat(ChallengeCertificate.answers(certificate, "token.print")).isTrue();
        assertThat(ChallengeCertificate.answers(certificate, "token.other")).isFalse();
        assertThat(made.toString()).doesNotContain("PRIVATE");
    }
}
