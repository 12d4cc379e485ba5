package dev.coppice.store.client;

import com.google.protobuf.ByteString;
import dev.coppice.store.Keyspace;
import dev.coppice.store.KeyspaceStatus;
import dev.coppice.store.StoreException;
import dev.coppice.store.Watch;
import dev.coppice.store.WatchObserver;
import dev.coppice.store.api.AuthGrpc;
import dev.coppice.store.api.AuthenticateRequest;
import dev.coppice.store.api.CompactionRequest;
import dev.coppice.store.api.CompactionResponse;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.DeleteRangeResponse;
import dev.coppice.store.api.KVGrpc;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseGrantResponse;
import dev.coppice.store.api.LeaseGrpc;
import dev.coppice.store.api.LeaseKeepAliveRequest;
import dev.coppice.store.api.LeaseKeepAliveResponse;
import dev.coppice.store.api.LeaseLeasesRequest;
import dev.coppice.store.api.LeaseLeasesResponse;
import dev.coppice.store.api.LeaseRevokeRequest;
import dev.coppice.store.api.LeaseRevokeResponse;
import dev.coppice.store.api.LeaseTimeToLiveRequest;
import dev.coppice.store.api.LeaseTimeToLiveResponse;
import dev.coppice.store.api.MaintenanceGrpc;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.PutResponse;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import dev.coppice.store.api.StatusRequest;
import dev.coppice.store.api.StatusResponse;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.TxnResponse;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchGrpc;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/**
 * The keyspace of a server that speaks etcd's v3 API, over a gRPC connection: a node of Coppice, or an etcd. Calls that are
 * not answered in time end with {@code DEADLINE_EXCEEDED}; each watch is a stream of its own, and ends with {@code
 * UNAVAILABLE} when the connection breaks. Safe for use by many threads.
 */
public final class RemoteKeyspace implements Keyspace {
    private static final Duration LIMIT = Duration.ofSeconds(5);
    private static final Metadata.Key<String> TOKEN = Metadata.Key.of("token", Metadata.ASCII_STRING_MARSHALLER);

    private final List<Channel> channels;
    private final Executor executor;
    private final AtomicInteger current = new AtomicInteger();

    /**
     * @param channels to the members of one cluster; when one does not answer, the next is asked from then on
     * @param executor runs what watches tell; each of them one call at a time
     */
    public RemoteKeyspace(List<? extends Channel> channels, Executor executor) {
        this.channels = List.copyOf(channels);
        this.executor = executor;
    }

    /** The same as a user, who signs in. Throws StoreException when that is refused. */
    public RemoteKeyspace as(String user, String password) {
        String token = call(
                        AuthGrpc.getAuthenticateMethod(),
                        AuthenticateRequest.newBuilder()
                                .setName(user)
                                .setPassword(password)
                                .build())
                .getToken();
        Metadata headers = new Metadata();
        headers.put(TOKEN, token);
        return new RemoteKeyspace(
                channels.stream()
                        .map(each ->
                                ClientInterceptors.intercept(each, MetadataUtils.newAttachHeadersInterceptor(headers)))
                        .toList(),
                executor);
    }

    private Channel channel() {
        return channels.get(current.get() % channels.size());
    }

    /** Asks another member from now on, when this one does not answer. */
    private StoreException failed(Channel asked, Throwable error) {
        StoreException failure = failure(error);
        if (failure.code() == Status.Code.UNAVAILABLE || failure.code() == Status.Code.DEADLINE_EXCEEDED) {
            int now = current.get();
            if (channels.get(now % channels.size()) == asked) {
                boolean _ = current.compareAndSet(now, (now + 1) % channels.size());
            }
        }
        return failure;
    }

    private <Q, A> A call(MethodDescriptor<Q, A> method, Q request) {
        Channel channel = channel();
        try {
            return ClientCalls.blockingUnaryCall(
                    channel,
                    method,
                    CallOptions.DEFAULT.withDeadlineAfter(LIMIT.toMillis(), TimeUnit.MILLISECONDS),
                    request);
        } catch (StatusRuntimeException e) {
            throw failed(channel, e);
        }
    }

    private static StoreException failure(Throwable error) {
        Status status = Status.fromThrowable(error);
        String description = status.getDescription();
        return new StoreException(status.getCode(), description == null ? status.toString() : description, error);
    }

    @Override
    public String name() {
        return "etcd";
    }

    @Override
    public RangeResponse range(RangeRequest request) {
        return call(KVGrpc.getRangeMethod(), request);
    }

    @Override
    public PutResponse put(PutRequest request) {
        return call(KVGrpc.getPutMethod(), request);
    }

    @Override
    public DeleteRangeResponse delete(DeleteRangeRequest request) {
        return call(KVGrpc.getDeleteRangeMethod(), request);
    }

    @Override
    public TxnResponse txn(TxnRequest request) {
        return call(KVGrpc.getTxnMethod(), request);
    }

    @Override
    public CompactionResponse compact(CompactionRequest request) {
        return call(KVGrpc.getCompactMethod(), request);
    }

    @Override
    public Watch watch(WatchCreateRequest request, WatchObserver observer) {
        Channel channel = channel();
        RemoteWatch watch = new RemoteWatch(observer, error -> failed(channel, error));
        watch.start(
                ClientCalls.asyncBidiStreamingCall(
                        channel.newCall(WatchGrpc.getWatchMethod(), CallOptions.DEFAULT.withExecutor(executor)), watch),
                request);
        return watch;
    }

    @Override
    public LeaseGrantResponse grant(LeaseGrantRequest request) {
        return call(LeaseGrpc.getLeaseGrantMethod(), request);
    }

    @Override
    public LeaseRevokeResponse revoke(LeaseRevokeRequest request) {
        return call(LeaseGrpc.getLeaseRevokeMethod(), request);
    }

    @Override
    public LeaseKeepAliveResponse keepAlive(LeaseKeepAliveRequest request) {
        Channel channel = channel();
        BlockingQueue<Object> answers = new ArrayBlockingQueue<>(2);
        StreamObserver<LeaseKeepAliveRequest> out = ClientCalls.asyncBidiStreamingCall(
                channel.newCall(
                        LeaseGrpc.getLeaseKeepAliveMethod(),
                        CallOptions.DEFAULT.withDeadlineAfter(LIMIT.toMillis(), TimeUnit.MILLISECONDS)),
                new StreamObserver<LeaseKeepAliveResponse>() {
                    @Override
                    public void onNext(LeaseKeepAliveResponse response) {
                        boolean _ = answers.offer(response);
                    }

                    @Override
                    public void onError(Throwable error) {
                        boolean _ = answers.offer(failed(channel, error));
                    }

                    @Override
                    public void onCompleted() {
                        boolean _ = answers.offer(new StoreException(
                                Status.Code.UNAVAILABLE, "the server ended the stream without an answer"));
                    }
                });
        out.onNext(request);
        try {
            // The deadline of the call ends the wait.
            Object answer = answers.take();
            out.onCompleted();
            if (answer instanceof LeaseKeepAliveResponse response) {
                return response;
            }
            throw (StoreException) answer;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            out.onError(e);
            throw new StoreException(Status.Code.CANCELLED, "interrupted while a lease was renewed", e);
        }
    }

    @Override
    public LeaseTimeToLiveResponse timeToLive(LeaseTimeToLiveRequest request) {
        return call(LeaseGrpc.getLeaseTimeToLiveMethod(), request);
    }

    @Override
    public LeaseLeasesResponse leases(LeaseLeasesRequest request) {
        return call(LeaseGrpc.getLeaseLeasesMethod(), request);
    }

    private StatusResponse ask() {
        return call(MaintenanceGrpc.getStatusMethod(), StatusRequest.getDefaultInstance());
    }

    @Override
    public long revision() {
        return ask().getHeader().getRevision();
    }

    @Override
    public long newestRevision() {
        return range(RangeRequest.newBuilder()
                        .setKey(ByteString.copyFrom(new byte[] {0}))
                        .setLimit(1)
                        .setCountOnly(true)
                        .build())
                .getHeader()
                .getRevision();
    }

    /** Not told by etcd's API: 0. */
    @Override
    public long compactedRevision() {
        return 0;
    }

    /** What etcd's API tells: quota, leases and watches are 0. */
    @Override
    public KeyspaceStatus status() {
        StatusResponse status = ask();
        return new KeyspaceStatus(
                name(),
                status.getHeader().getRevision(),
                0,
                status.getDbSizeInUse(),
                0,
                0,
                0,
                status.getErrorsList().stream().collect(Collectors.toSet()));
    }
}
