package dev.coppice.serving;

import io.grpc.ManagedChannel;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLException;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/**
 * A gRPC connection from this node to another one, or as a client to some server; made when it is first used, and again when it breaks. Its
 * callbacks run on I/O threads and must not block. Safe for use by many threads.
 */
public final class GrpcConnection implements AutoCloseable {
    private static final int CONNECT_MILLIS = 2_000;
    private static final long KEEP_ALIVE_SECONDS = 10;
    private static final long KEEP_ALIVE_TIMEOUT_SECONDS = 3;
    private static final int FLOW_CONTROL_WINDOW_BYTES = 4 << 20;

    private final ManagedChannel channel;
    private final AtomicBoolean closed = new AtomicBoolean();

    private GrpcConnection(ManagedChannel channel) {
        this.channel = channel;
    }

    /**
     * To another node of the same cluster. Both sides show a certificate that one of the source's authorities signed and that
     * the source {@linkplain TlsSource#isPeer takes for a node's}; the host has to stand in it if the source {@linkplain
     * TlsSource#namesHosts says so}. Every handshake uses the source's newest certificates.
     *
     * @param host a DNS name, looked up whenever it connects, or an IP address
     * @param maxMessageBytes of an answer
     */
    public static GrpcConnection peer(TlsSource source, String host, int port, int maxMessageBytes) {
        return open(new PeerTls.OwnKey(source), new PeerTls.PeerTrust(source), host, port, maxMessageBytes);
    }

    /**
     * To a node whose authority is known by its fingerprint only. Shows no certificate.
     *
     * @param fingerprint SHA-256 of the root certificate (DER)
     */
    public static GrpcConnection pinned(byte[] fingerprint, String host, int port, int maxMessageBytes) {
        return open(null, new PeerTls.PinnedTrust(fingerprint), host, port, maxMessageBytes);
    }

    /**
     * How a client shows who it is, and whom it trusts: PEM files, read again for a handshake when they have changed.
     *
     * @param authority certificates of who signs servers; null trusts those that Java trusts
     * @param certificate the client's own, leaf first; null shows none
     * @param key its key (PKCS #8)
     */
    public record ClientTls(
            @Nullable Path authority,
            @Nullable Path certificate,
            @Nullable Path key) {}

    /**
     * To a server that is no node of this cluster. With TLS its certificate has to name the host.
     *
     * @param tls null for plain text
     * @param host a DNS name, looked up whenever it connects, or an IP address
     */
    public static GrpcConnection client(@Nullable ClientTls tls, String host, int port, int maxMessageBytes) {
        EventLoopGroup loops = EventLoops.acquire();
        try {
            NettyChannelBuilder builder = builder(loops, host, port, maxMessageBytes);
            if (tls == null) {
                builder.usePlaintext();
            } else {
                ClientFiles files = new ClientFiles(tls);
                builder.sslContext(tls(tls.certificate() == null ? null : files.key(), files.trust()));
            }
            return new GrpcConnection(builder.build());
        } catch (SSLException e) {
            EventLoops.release();
            throw new IllegalStateException("no TLS connection can be made: " + e.getMessage(), e);
        }
    }

    private static GrpcConnection open(
            @Nullable X509ExtendedKeyManager key,
            javax.net.ssl.X509ExtendedTrustManager trust,
            String host,
            int port,
            int maxMessageBytes) {
        EventLoopGroup loops = EventLoops.acquire();
        try {
            return new GrpcConnection(builder(loops, host, port, maxMessageBytes)
                    .sslContext(tls(key, trust))
                    .keepAliveWithoutCalls(true)
                    .build());
        } catch (SSLException e) {
            EventLoops.release();
            throw new IllegalStateException("no TLS connection can be made: " + e.getMessage(), e);
        }
    }

    private static NettyChannelBuilder builder(EventLoopGroup loops, String host, int port, int maxMessageBytes) {
        return NettyChannelBuilder.forAddress(host, port)
                .eventLoopGroup(loops)
                .channelType(NioSocketChannel.class)
                .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS)
                .withOption(ChannelOption.TCP_NODELAY, true)
                .flowControlWindow(FLOW_CONTROL_WINDOW_BYTES)
                .maxInboundMessageSize(maxMessageBytes)
                .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
                .keepAliveTimeout(KEEP_ALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS)
                .directExecutor()
                .disableRetry();
    }

    private static SslContext tls(@Nullable X509ExtendedKeyManager key, javax.net.ssl.X509ExtendedTrustManager trust)
            throws SSLException {
        SslContextBuilder builder = SslContextBuilder.forClient().trustManager(trust);
        if (key != null) {
            builder.keyManager(key);
        }
        return GrpcSslContexts.configure(builder, SslProvider.JDK)
                .protocols("TLSv1.3", "TLSv1.2")
                .build();
    }

    public ManagedChannel channel() {
        return channel;
    }

    /** Ends it and what is under way; waits for a short while. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        try {
            var _ = channel.shutdownNow().awaitTermination(Duration.ofSeconds(2).toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            EventLoops.release();
        }
    }
}
