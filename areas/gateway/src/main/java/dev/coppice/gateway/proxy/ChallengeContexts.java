package dev.coppice.gateway.proxy;

import dev.coppice.gateway.challenge.ChallengeCertificate;
import dev.coppice.gateway.config.ChallengeConfig;
import dev.coppice.kernel.Kernel;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** TLS that answers challenges of the type TLS-ALPN-01 (RFC 8737). What was made is kept as long as it is asked for. Not safe for use by many threads. */
final class ChallengeContexts {
    private static final System.Logger LOG = System.getLogger(ChallengeContexts.class.getName());
    private static final ApplicationProtocolConfig PROTOCOL = new ApplicationProtocolConfig(
            ApplicationProtocolConfig.Protocol.ALPN,
            ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
            ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
            ChallengeCertificate.PROTOCOL);

    private record Wanted(String host, String key, boolean streams) {}

    private final Kernel kernel;
    private Map<Wanted, SslContext> made = new HashMap<>();
    private final Map<Wanted, SslContext> next = new HashMap<>();

    ChallengeContexts(Kernel kernel) {
        this.kernel = kernel;
    }

    /** For a challenge, by the TLS of a listener; null when that fails, which the log tells. */
    @Nullable
    SslContext of(ChallengeConfig challenge, boolean streams) {
        Wanted wanted = new Wanted(challenge.host(), challenge.key(), streams);
        SslContext known = made.getOrDefault(wanted, next.get(wanted));
        if (known == null) {
            try {
                known = make(wanted);
            } catch (GeneralSecurityException | IOException | IllegalArgumentException e) {
                LOG.log(System.Logger.Level.ERROR, "no certificate can be made for a challenge of " + wanted.host, e);
                return null;
            }
        }
        next.put(wanted, known);
        return known;
    }

    private SslContext make(Wanted wanted) throws GeneralSecurityException, IOException {
        ChallengeCertificate shown = ChallengeCertificate.of(
                wanted.host, wanted.key, kernel.secureRandom(), kernel.clock().now());
        return SslContextBuilder.forServer(stream(shown.chain()), stream(shown.key()))
                .sslProvider(TlsContexts.provider(wanted.streams))
                .protocols("TLSv1.3", "TLSv1.2")
                .applicationProtocolConfig(PROTOCOL)
                .build();
    }

    private static InputStream stream(String pem) {
        return new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII));
    }

    /** Forgets what was not asked for since the last time. */
    void sweep() {
        made = new HashMap<>(next);
        next.clear();
    }
}
