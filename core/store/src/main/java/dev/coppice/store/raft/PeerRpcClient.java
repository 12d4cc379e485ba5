package dev.coppice.store.raft;

import com.alipay.sofa.jraft.ReplicatorGroup;
import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.error.InvokeTimeoutException;
import com.alipay.sofa.jraft.error.RemotingException;
import com.alipay.sofa.jraft.option.RpcOptions;
import com.alipay.sofa.jraft.rpc.InvokeCallback;
import com.alipay.sofa.jraft.rpc.InvokeContext;
import com.alipay.sofa.jraft.rpc.RpcClient;
import com.alipay.sofa.jraft.rpc.RpcRequests.AppendEntriesRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.AppendEntriesResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.ErrorResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.GetFileRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.InstallSnapshotRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.PingRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.ReadIndexRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.RequestVoteRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.TimeoutNowRequest;
import com.alipay.sofa.jraft.rpc.RpcUtils;
import com.alipay.sofa.jraft.util.Endpoint;
import com.google.protobuf.Message;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/** The library's view of a {@link PeerTransport}; of none, for a member that is alone. */
final class PeerRpcClient implements RpcClient {

    private static final System.Logger LOG = System.getLogger(PeerRpcClient.class.getName());

    private @Nullable PeerTransport transport;
    private @Nullable Progress progress;
    private @Nullable ReplicatorGroup group;

    @Override
    public boolean init(RpcOptions options) {
        if (options instanceof ClusterNodeOptions cluster) {
            PeerTransport given = cluster.transport();
            transport = given;
            progress = cluster.progress();
            if (given != null) {
                given.onConnected(this::connected);
            }
        }
        return true;
    }

    /** Not on the thread that tells: the library takes its lock. */
    private void connected(String peer) {
        ReplicatorGroup known = group;
        PeerId id = new PeerId();
        if (known != null && id.parse(peer)) {
            var unused = RpcUtils.runInThread(() -> known.checkReplicator(id, true));
        }
    }

    @Override
    public void registerConnectEventListener(ReplicatorGroup replicators) {
        group = replicators;
    }

    /** The transport belongs to who made it. */
    @Override
    public void shutdown() {}

    @Override
    public boolean checkConnection(Endpoint endpoint) {
        return checkConnection(endpoint, false);
    }

    @Override
    public boolean checkConnection(Endpoint endpoint, boolean createIfAbsent) {
        PeerTransport known = transport;
        return known != null && known.reachable(endpoint.toString());
    }

    @Override
    public void closeConnection(Endpoint endpoint) {
        PeerTransport known = transport;
        if (known != null) {
            known.disconnect(endpoint.toString());
        }
    }

    /** The library waits for an answer only to learn whether there is a connection, and with its lock held. */
    @Override
    public Object invokeSync(Endpoint endpoint, Object request, InvokeContext context, long timeoutMillis)
            throws RemotingException {
        if (request instanceof PingRequest && checkConnection(endpoint)) {
            return ErrorResponse.newBuilder().setErrorCode(0).build();
        }
        throw new RemotingException("there is no connection to " + endpoint);
    }

    @Override
    public void invokeAsync(
            Endpoint endpoint, Object request, InvokeContext context, InvokeCallback callback, long timeoutMillis)
            throws RemotingException {
        PeerTransport known = transport;
        if (known == null) {
            throw new RemotingException("there is no peer " + endpoint);
        }
        String peer = endpoint.toString();
        switch (request) {
            case AppendEntriesRequest entries -> append(known, peer, entries, timeoutMillis, callback);
            case RequestVoteRequest vote -> call(known, peer, PeerMethods.VOTE, vote, timeoutMillis, callback);
            case InstallSnapshotRequest install ->
                call(known, peer, PeerMethods.INSTALL_SNAPSHOT, install, timeoutMillis, callback);
            case GetFileRequest file -> call(known, peer, PeerMethods.GET_FILE, file, timeoutMillis, callback);
            case TimeoutNowRequest now -> call(known, peer, PeerMethods.TIMEOUT_NOW, now, timeoutMillis, callback);
            case ReadIndexRequest read -> call(known, peer, PeerMethods.READ_INDEX, read, timeoutMillis, callback);
            default ->
                throw new RemotingException(
                        "members do not send each other " + request.getClass().getName());
        }
    }

    private void append(
            PeerTransport to, String peer, AppendEntriesRequest request, long timeoutMillis, InvokeCallback callback) {
        boolean heartbeat = request.getEntriesCount() == 0 && !request.hasData();
        PeerTransport.Answer<AppendEntriesResponse> answer = new PeerTransport.Answer<>() {
            @Override
            public void answered(AppendEntriesResponse response) {
                Progress known = progress;
                if (known != null && response.getSuccess()) {
                    known.heard(
                            peer,
                            request.getTerm(),
                            heartbeat ? 0 : request.getPrevLogIndex() + request.getEntriesCount());
                }
                complete(callback, response, null);
            }

            @Override
            public void failed(Throwable error) {
                complete(callback, null, remoting(error));
            }
        };
        to.call(peer, heartbeat ? PeerMethods.HEARTBEAT : PeerMethods.APPEND, request, timeoutMillis, answer);
    }

    private static <Q extends Message, A extends Message> void call(
            PeerTransport to,
            String peer,
            MethodDescriptor<Q, A> method,
            Q request,
            long timeoutMillis,
            InvokeCallback callback) {
        to.call(peer, method, request, timeoutMillis, new PeerTransport.Answer<>() {
            @Override
            public void answered(A answer) {
                complete(callback, answer, null);
            }

            @Override
            public void failed(Throwable error) {
                complete(callback, null, remoting(error));
            }
        });
    }

    private static void complete(InvokeCallback callback, @Nullable Object result, @Nullable Throwable error) {
        Executor executor = callback.executor();
        if (executor == null) {
            callback.complete(result, error);
            return;
        }
        try {
            executor.execute(() -> callback.complete(result, error));
        } catch (RejectedExecutionException e) {
            LOG.log(System.Logger.Level.DEBUG, "the member has stopped; nobody waits for the answer", e);
        }
    }

    private static RemotingException remoting(Throwable error) {
        return Status.fromThrowable(error).getCode() == Status.Code.DEADLINE_EXCEEDED
                ? new InvokeTimeoutException(error)
                : new RemotingException(error.getMessage(), error);
    }
}
