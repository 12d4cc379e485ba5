package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.config.UpstreamTlsConfig;
import dev.coppice.kernel.Clock;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.List;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * TLS to the endpoints of one upstream, by the same means as that of listeners. Keeps sessions, so that later
 * connections to an endpoint need neither its certificate nor a signature. Immutable otherwise; safe for use by many threads.
 */
final class EndpointTls {
    /** Of all endpoints of an upstream; a session that is thrown out costs a whole handshake. */
    private static final int MOST_SESSIONS = 4096;

    private final @Nullable SslContext context;
    private final @Nullable String problem;

    private EndpointTls(@Nullable SslContext context, @Nullable String problem) {
        this.context = context;
        this.problem = problem;
    }

    /** What is configured may be of no use, such as a key: then there is a {@link #problem}, and endpoints cannot be spoken to at all. */
    static EndpointTls of(UpstreamTlsConfig config, UpstreamConfig.Protocol protocol, Authorities known, Clock clock) {
        try {
            return new EndpointTls(context(config, protocol, known, clock), null);
        } catch (GeneralSecurityException | IllegalArgumentException | IOException e) {
            return new EndpointTls(null, "it cannot be set up: " + e.getMessage());
        }
    }

    /** Why there can be none; null when there can. */
    @Nullable
    String problem() {
        return problem;
    }

    private static SslContext context(
            UpstreamTlsConfig config, UpstreamConfig.Protocol protocol, Authorities known, Clock clock)
            throws GeneralSecurityException, IOException {
        String pem = config.authorities();
        X509TrustManager authorities = pem == null ? known.ofMachine() : Authorities.of(pem);
        SslContextBuilder builder = SslContextBuilder.forClient()
                .sslProvider(TlsContexts.provider(protocol == UpstreamConfig.Protocol.BYTES))
                .protocols("TLSv1.3", "TLSv1.2")
                .sessionCacheSize(MOST_SESSIONS)
                .serverName(new SNIHostName(config.serverName()))
                // The trust manager looks at the name itself: neither the address nor the server name decides.
                .endpointIdentificationAlgorithm(null)
                .trustManager(new EndpointTrust(authorities, config.names(), clock));
        List<String> offered = offered(protocol);
        if (!offered.isEmpty()) {
            builder.applicationProtocolConfig(new ApplicationProtocolConfig(
                    ApplicationProtocolConfig.Protocol.ALPN,
                    ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
                    ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
                    offered));
        }
        if (config.client() != null) {
            builder.keyManager(
                    stream(config.client().chain()), stream(config.client().key()));
        }
        return builder.build();
    }

    /**
     * The protocols that are offered to endpoints (RFC 7301), the best first; none: the extension is left out. What follows the handshake is
     * chosen by who asked for the connection, who is told what the endpoint chose.
     */
    private static List<String> offered(UpstreamConfig.Protocol protocol) {
        return switch (protocol) {
            case HTTP, WEBSOCKET -> List.of(ApplicationProtocolNames.HTTP_1_1);
            case H2C -> List.of(ApplicationProtocolNames.HTTP_2);
            case BYTES -> List.of();
        };
    }

    private static InputStream stream(String pem) {
        return new ByteArrayInputStream(pem.getBytes(StandardCharsets.ISO_8859_1));
    }

    /**
     * The handler of a new connection, unless there is a problem.
     *
     * @param endpoint whose session is resumed, where there is one
     */
    SslHandler handler(ByteBufAllocator allocator, InetSocketAddress endpoint) {
        SslContext usable = context;
        if (usable == null) {
            throw new IllegalStateException("TLS " + problem);
        }
        return usable.newHandler(allocator, endpoint.getAddress().getHostAddress(), endpoint.getPort());
    }
}
