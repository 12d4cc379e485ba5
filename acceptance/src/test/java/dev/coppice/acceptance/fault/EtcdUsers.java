package dev.coppice.acceptance.fault;

import static dev.coppice.acceptance.fault.EtcdClient.bytes;

import dev.coppice.store.api.AuthDisableRequest;
import dev.coppice.store.api.AuthEnableRequest;
import dev.coppice.store.api.AuthGrpc;
import dev.coppice.store.api.AuthRoleAddRequest;
import dev.coppice.store.api.AuthRoleGrantPermissionRequest;
import dev.coppice.store.api.AuthUserAddRequest;
import dev.coppice.store.api.AuthUserGrantRoleRequest;
import dev.coppice.store.api.AuthenticateRequest;
import dev.coppice.store.api.KVGrpc;
import dev.coppice.store.api.Permission;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Users of the etcd port: root, and one that may use the keys below a prefix. */
final class EtcdUsers {
    static final String ROOT = "root";
    static final String USER = "user";

    private static final String PASSWORD = "secret";
    private static final Metadata.Key<String> TOKEN = Metadata.Key.of("token", Metadata.ASCII_STRING_MARSHALLER);

    private final EtcdClient node;

    EtcdUsers(EtcdClient node) {
        this.node = node;
    }

    private static AuthGrpc.AuthBlockingStub auth(EtcdClient client) {
        return AuthGrpc.newBlockingStub(client.channel()).withDeadlineAfter(5, TimeUnit.SECONDS);
    }

    void enable(String prefix) {
        AuthGrpc.AuthBlockingStub auth = auth(node);
        for (String name : new String[] {ROOT, USER}) {
            var _ = auth.userAdd(AuthUserAddRequest.newBuilder()
                    .setName(name)
                    .setPassword(PASSWORD)
                    .build());
            var _ = auth.roleAdd(AuthRoleAddRequest.newBuilder().setName(name).build());
            var _ = auth.userGrantRole(AuthUserGrantRoleRequest.newBuilder()
                    .setUser(name)
                    .setRole(name)
                    .build());
        }
        var _ = auth.roleGrantPermission(AuthRoleGrantPermissionRequest.newBuilder()
                .setName(USER)
                .setPerm(Permission.newBuilder()
                        .setPermType(Permission.Type.READWRITE)
                        .setKey(bytes(prefix))
                        .setRangeEnd(bytes(prefix + "~")))
                .build());
        var _ = auth.authEnable(AuthEnableRequest.getDefaultInstance());
    }

    private static Metadata signIn(EtcdClient client, String name) {
        Metadata metadata = new Metadata();
        metadata.put(
                TOKEN,
                auth(client)
                        .authenticate(AuthenticateRequest.newBuilder()
                                .setName(name)
                                .setPassword(PASSWORD)
                                .build())
                        .getToken());
        return metadata;
    }

    private static KVGrpc.KVBlockingStub as(EtcdClient client, String name) {
        return client.kv().withInterceptors(MetadataUtils.newAttachHeadersInterceptor(signIn(client, name)));
    }

    void put(EtcdClient client, String name, String key, String value) {
        var _ = as(client, name)
                .put(PutRequest.newBuilder()
                        .setKey(bytes(key))
                        .setValue(bytes(value))
                        .build());
    }

    /** Waits until root can read through a node. */
    void awaitServing(EtcdClient client, Duration limit) {
        long end = System.nanoTime() + limit.toNanos();
        while (true) {
            try {
                var _ = as(client, ROOT)
                        .range(RangeRequest.newBuilder().setKey(bytes("k")).build());
                return;
            } catch (StatusRuntimeException e) {
                if (System.nanoTime() > end) {
                    throw e;
                }
                Load.pause(100);
            }
        }
    }

    /** Everybody may do everything again. */
    void disable() {
        var _ = auth(node)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(signIn(node, ROOT)))
                .authDisable(AuthDisableRequest.getDefaultInstance());
    }
}
