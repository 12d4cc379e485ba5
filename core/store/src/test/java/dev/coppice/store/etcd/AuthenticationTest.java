package dev.coppice.store.etcd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.CertificateAuthority;
import dev.coppice.serving.CertificateAuthority.ClientCertificates;
import dev.coppice.serving.GrpcListener;
import dev.coppice.serving.ListenerOptions;
import dev.coppice.store.Store;
import dev.coppice.store.StoreOptions;
import dev.coppice.store.api.AuthEnableRequest;
import dev.coppice.store.api.AuthGrpc;
import dev.coppice.store.api.AuthRoleAddRequest;
import dev.coppice.store.api.AuthRoleGrantPermissionRequest;
import dev.coppice.store.api.AuthUserAddRequest;
import dev.coppice.store.api.AuthUserGrantRoleRequest;
import dev.coppice.store.api.AuthUserListRequest;
import dev.coppice.store.api.AuthenticateRequest;
import dev.coppice.store.api.KVGrpc;
import dev.coppice.store.api.Permission;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.UserAddOptions;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The default: TLS, and nobody without a certificate or a user. */
class AuthenticationTest {

    @TempDir
    Path directory;

    private static InputStream pem(String text) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
    }

    private static ManagedChannel channel(
            int port, CertificateAuthority authority, CertificateAuthority.@Nullable KeyPairPem client)
            throws Exception {
        SslContextBuilder tls = GrpcSslContexts.forClient().trustManager(pem(authority.rootPem()));
        if (client != null) {
            tls.keyManager(pem(client.certificatePem()), pem(client.keyPem()));
        }
        return NettyChannelBuilder.forAddress("127.0.0.1", port)
                .sslContext(tls.build())
                .build();
    }

    private static final PutRequest PUT =
            PutRequest.newBuilder().setKey(ByteString.copyFromUtf8("a")).build();

    @Test
    void wantsACertificateOrAUser() throws Exception {
        try (Kernel kernel = Kernel.start()) {
            Store store = Store.start(kernel, kernel.root(), StoreOptions.of(directory.resolve("store")));
            CertificateAuthority authority = CertificateAuthority.open(kernel, directory.resolve("ca"));
            EtcdServices services = new EtcdServices(store, "etcd", EtcdPolicy.authenticated("https://127.0.0.1"));
            GrpcListener listener = new GrpcListener(
                    kernel,
                    new ListenerOptions(
                            "etcd",
                            new InetSocketAddress("127.0.0.1", 0),
                            authority.server(List.of("127.0.0.1", "localhost"), ClientCertificates.OPTIONAL),
                            2 << 20,
                            100),
                    services.services(),
                    services.interceptors(),
                    services.direct());
            services.mount(listener.routes());
            kernel.root().start(ChildSpec.service("etcd", () -> listener));
            int port = listener.address().orElseThrow().getPort();
            ManagedChannel nobody = channel(port, authority, null);
            ManagedChannel stranger =
                    channel(port, authority, authority.client("eve", List.of("guests"), Duration.ofDays(1)));
            ManagedChannel admin =
                    channel(port, authority, authority.client("admin", List.of("system:masters"), Duration.ofDays(1)));
            try {
                check(nobody, stranger, admin);
            } finally {
                List.of(nobody, stranger, admin).forEach(ManagedChannel::shutdownNow);
            }
        }
    }

    /** The common name of a certificate is a user's name, as with etcd's {@code --client-cert-auth}. */
    private static void checkCommonName(AuthGrpc.AuthBlockingStub auth, ManagedChannel eve) {
        assertThatThrownBy(() -> KVGrpc.newBlockingStub(eve).put(PUT)).hasMessageContaining("permission denied");
        var added = auth.userAdd(AuthUserAddRequest.newBuilder()
                .setName("eve")
                .setOptions(UserAddOptions.newBuilder().setNoPassword(true))
                .build());
        assertThat(added.hasHeader()).isTrue();
        assertThatThrownBy(() -> auth.authenticate(AuthenticateRequest.newBuilder()
                        .setName("eve")
                        .setPassword("guess")
                        .build()))
                .hasMessage("UNKNOWN: auth: authentication failed, password was given for no password user");
        assertThatThrownBy(() -> KVGrpc.newBlockingStub(eve).put(PUT)).hasMessageContaining("permission denied");
        var role = auth.roleAdd(AuthRoleAddRequest.newBuilder().setName("a").build());
        assertThat(role.hasHeader()).isTrue();
        var given = auth.roleGrantPermission(AuthRoleGrantPermissionRequest.newBuilder()
                .setName("a")
                .setPerm(Permission.newBuilder()
                        .setPermType(Permission.Type.READWRITE)
                        .setKey(PUT.getKey()))
                .build());
        assertThat(given.hasHeader()).isTrue();
        var granted = auth.userGrantRole(AuthUserGrantRoleRequest.newBuilder()
                .setUser("eve")
                .setRole("a")
                .build());
        assertThat(granted.hasHeader()).isTrue();
        assertThat(KVGrpc.newBlockingStub(eve).put(PUT).getHeader().getRevision())
                .isEqualTo(5);
        assertThatThrownBy(() -> auth(eve).userList(AuthUserListRequest.getDefaultInstance()))
                .hasMessageContaining("permission denied");
    }

    private static AuthGrpc.AuthBlockingStub auth(ManagedChannel channel) {
        return AuthGrpc.newBlockingStub(channel);
    }

    private static void check(ManagedChannel nobody, ManagedChannel stranger, ManagedChannel admin) {
        assertThatThrownBy(() -> KVGrpc.newBlockingStub(nobody).put(PUT)).hasMessageContaining("UNAUTHENTICATED");
        assertThatThrownBy(() -> KVGrpc.newBlockingStub(stranger).put(PUT)).hasMessageContaining("UNAUTHENTICATED");
        assertThat(KVGrpc.newBlockingStub(admin).put(PUT).getHeader().getRevision())
                .isEqualTo(2);
        var auth = AuthGrpc.newBlockingStub(admin);
        assertThat(auth.userAdd(AuthUserAddRequest.newBuilder()
                                .setName("root")
                                .setPassword("secret")
                                .build())
                        .hasHeader())
                .isTrue();
        assertThat(auth.roleAdd(AuthRoleAddRequest.newBuilder().setName("root").build())
                        .hasHeader())
                .isTrue();
        assertThat(auth.userGrantRole(AuthUserGrantRoleRequest.newBuilder()
                                .setUser("root")
                                .setRole("root")
                                .build())
                        .hasHeader())
                .isTrue();
        assertThat(auth.authEnable(AuthEnableRequest.getDefaultInstance()).hasHeader())
                .isTrue();
        assertThat(KVGrpc.newBlockingStub(admin).put(PUT).getHeader().getRevision())
                .isEqualTo(3);
        assertThatThrownBy(() -> KVGrpc.newBlockingStub(nobody).put(PUT)).hasMessageContaining("user name is empty");
        String token = AuthGrpc.newBlockingStub(nobody)
                .authenticate(AuthenticateRequest.newBuilder()
                        .setName("root")
                        .setPassword("secret")
                        .build())
                .getToken();
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("token", Metadata.ASCII_STRING_MARSHALLER), token);
        assertThat(KVGrpc.newBlockingStub(nobody)
                        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                        .put(PUT)
                        .getHeader()
                        .getRevision())
                .isEqualTo(4);
        checkCommonName(auth, stranger);
    }
}
