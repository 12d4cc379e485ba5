package dev.coppice.acceptance.etcd;

import dev.coppice.store.api.AuthGrpc;
import dev.coppice.store.api.AuthenticateRequest;
import dev.coppice.store.api.ClusterGrpc;
import dev.coppice.store.api.ElectionGrpc;
import dev.coppice.store.api.KVGrpc;
import dev.coppice.store.api.LeaderRequest;
import dev.coppice.store.api.LeaderResponse;
import dev.coppice.store.api.LeaseGrpc;
import dev.coppice.store.api.LeaseKeepAliveRequest;
import dev.coppice.store.api.LeaseKeepAliveResponse;
import dev.coppice.store.api.LockGrpc;
import dev.coppice.store.api.MaintenanceGrpc;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.StatusRequest;
import dev.coppice.store.api.WatchGrpc;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** One of the two servers: its stubs, the tokens its users have, and a stream of watches. */
final class Side implements AutoCloseable {

    private static final long PATIENCE_SECONDS = 20;
    private static final Metadata.Key<String> TOKEN = Metadata.Key.of("token", Metadata.ASCII_STRING_MARSHALLER);

    final String name;
    private final ManagedChannel channel;
    private final long memberId;
    private final Map<String, String> tokens = new HashMap<>();
    private Watches watches;

    Side(String name, String endpoint) {
        this.name = name;
        this.channel = ManagedChannelBuilder.forTarget(endpoint)
                .usePlaintext()
                .maxInboundMessageSize(64 << 20)
                .build();
        this.memberId = MaintenanceGrpc.newBlockingStub(channel)
                .status(StatusRequest.getDefaultInstance())
                .getHeader()
                .getMemberId();
        this.watches = new Watches(this, "");
    }

    long memberId() {
        return memberId;
    }

    long revision() {
        return KVGrpc.newBlockingStub(channel)
                .range(RangeRequest.newBuilder()
                        .setKey(com.google.protobuf.ByteString.copyFromUtf8("none"))
                        .build())
                .getHeader()
                .getRevision();
    }

    /** The same, or another number where only users are answered. */
    long revisionOr(long unknown) {
        try {
            return revision();
        } catch (StatusRuntimeException e) {
            return unknown;
        }
    }

    // ---- stubs, for a user; the empty name is nobody

    private <S extends AbstractStub<S>> S as(String user, S stub) {
        S timed = stub.withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS);
        String token = tokens.get(user);
        if (token == null) {
            return timed;
        }
        Metadata shown = new Metadata();
        shown.put(TOKEN, token);
        return timed.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(shown));
    }

    KVGrpc.KVBlockingStub kv(String user) {
        return as(user, KVGrpc.newBlockingStub(channel));
    }

    LeaseGrpc.LeaseBlockingStub leases(String user) {
        return as(user, LeaseGrpc.newBlockingStub(channel));
    }

    AuthGrpc.AuthBlockingStub auth(String user) {
        return as(user, AuthGrpc.newBlockingStub(channel));
    }

    ClusterGrpc.ClusterBlockingStub cluster(String user) {
        return as(user, ClusterGrpc.newBlockingStub(channel));
    }

    MaintenanceGrpc.MaintenanceBlockingStub maintenance(String user) {
        return as(user, MaintenanceGrpc.newBlockingStub(channel));
    }

    LockGrpc.LockBlockingStub locks(String user) {
        return as(user, LockGrpc.newBlockingStub(channel));
    }

    ElectionGrpc.ElectionBlockingStub elections(String user) {
        return as(user, ElectionGrpc.newBlockingStub(channel));
    }

    WatchGrpc.WatchStub watch(String user) {
        String token = tokens.get(user);
        WatchGrpc.WatchStub stub = WatchGrpc.newStub(channel);
        if (token == null) {
            return stub;
        }
        Metadata shown = new Metadata();
        shown.put(TOKEN, token);
        return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(shown));
    }

    /** Signs a user in; its token is shown from now on. */
    String signIn(String user, String password) {
        tokens.remove(user);
        var answer = AuthGrpc.newBlockingStub(channel)
                .withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS)
                .authenticate(AuthenticateRequest.newBuilder()
                        .setName(user)
                        .setPassword(password)
                        .build());
        tokens.put(user, answer.getToken());
        return "signed in at " + answer.getHeader().getRevision();
    }

    boolean signedIn(String user) {
        return tokens.containsKey(user);
    }

    void show(String user, String token) {
        tokens.put(user, token);
    }

    void forgetTokens() {
        tokens.clear();
    }

    /** One keep-alive on a stream of its own. */
    LeaseKeepAliveResponse keepAlive(String user, long lease) {
        CompletableFuture<LeaseKeepAliveResponse> answer = new CompletableFuture<>();
        StreamObserver<LeaseKeepAliveRequest> requests = as(user, LeaseGrpc.newStub(channel))
                .leaseKeepAlive(new StreamObserver<>() {
                    @Override
                    public void onNext(LeaseKeepAliveResponse response) {
                        answer.complete(response);
                    }

                    @Override
                    public void onError(Throwable error) {
                        answer.completeExceptionally(error);
                    }

                    @Override
                    public void onCompleted() {
                        answer.completeExceptionally(Status.CANCELLED.asRuntimeException());
                    }
                });
        requests.onNext(LeaseKeepAliveRequest.newBuilder().setID(lease).build());
        try {
            LeaseKeepAliveResponse response = answer.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            requests.onCompleted();
            return response;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof StatusRuntimeException refused) {
                throw refused;
            }
            throw new AssertionError(e);
        } catch (TimeoutException e) {
            throw new AssertionError(name + " does not answer a keep-alive", e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** The first that a stream about an election tells; where nobody leads, that nothing comes is not waited for. */
    Object observed(String user, LeaderRequest election) {
        LeaderResponse leader = elections(user).leader(election);
        Context.CancellableContext watching = Context.current().withCancellation();
        Context previous = watching.attach();
        try {
            var told = elections(user).observe(election);
            return told.hasNext()
                    ? told.next()
                    : "ended, with " + leader.getKv().getKey();
        } finally {
            watching.detach(previous);
            watching.cancel(null);
        }
    }

    // ---- watches

    Watches watches() {
        return watches;
    }

    void newWatches(String user) {
        watches.close();
        watches = new Watches(this, user);
    }

    @Override
    public void close() {
        watches.close();
        channel.shutdownNow();
    }
}
