package dev.coppice.serving;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Makes the TLS handler of a new connection; after its source's generation changed, from the new certificates. */
final class TlsContexts {
    private static final System.Logger LOG = System.getLogger(TlsContexts.class.getName());
    private static final long HANDSHAKE_TIMEOUT_MILLIS = 10_000;

    private final String listener;
    private final TlsSource source;
    private final List<String> protocols;
    private @Nullable SslContext context;
    private long generation;

    /** @param protocols for ALPN, the preferred first */
    TlsContexts(String listener, TlsSource source, List<String> protocols) {
        this.listener = listener;
        this.source = source;
        this.protocols = protocols;
    }

    ChannelHandler handler(Channel channel) throws SSLException {
        SslHandler handler = context().newHandler(channel.alloc());
        handler.setHandshakeTimeoutMillis(HANDSHAKE_TIMEOUT_MILLIS);
        return handler;
    }

    /** The current one; when new certificates cannot be used, the old ones stay, with a warning. */
    synchronized SslContext context() throws SSLException {
        long now = source.generation();
        SslContext current = context;
        if (current != null && now == generation) {
            return current;
        }
        try {
            current = make(source.current());
            context = current;
        } catch (SSLException | RuntimeException e) {
            if (current == null) {
                throw e;
            }
            LOG.log(
                    System.Logger.Level.WARNING,
                    "listener " + listener + " keeps its old certificate: the new one cannot be used",
                    e);
        }
        generation = now;
        return current;
    }

    private SslContext make(TlsSource.Material material) throws SSLException {
        SslContextBuilder builder = SslContextBuilder.forServer(
                        material.key(), material.chain().toArray(X509Certificate[]::new))
                .sslProvider(SslProvider.JDK)
                .protocols("TLSv1.3", "TLSv1.2")
                .applicationProtocolConfig(new ApplicationProtocolConfig(
                        Protocol.ALPN,
                        SelectorFailureBehavior.NO_ADVERTISE,
                        SelectedListenerFailureBehavior.ACCEPT,
                        protocols));
        if (!material.clientAuthorities().isEmpty()) {
            builder.trustManager(material.clientAuthorities().toArray(X509Certificate[]::new))
                    .clientAuth(material.requireClient() ? ClientAuth.REQUIRE : ClientAuth.OPTIONAL);
        }
        return builder.build();
    }
}
