package dev.coppice.store.raft;

import com.alipay.sofa.jraft.rpc.RpcRequests.AppendEntriesRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.AppendEntriesResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.GetFileRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.GetFileResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.InstallSnapshotRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.InstallSnapshotResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.ReadIndexRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.ReadIndexResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.RequestVoteRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.RequestVoteResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.TimeoutNowRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.TimeoutNowResponse;
import com.google.protobuf.BytesValue;
import com.google.protobuf.Message;
import dev.coppice.store.RequestLimits;
import dev.coppice.store.wire.AskRequest;
import dev.coppice.store.wire.AskResponse;
import dev.coppice.store.wire.ProposeRequest;
import dev.coppice.store.wire.ProposeResponse;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.protobuf.ProtoUtils;

/** What members call each other by: the library's messages as they are, and the store's own. Nothing else is read. */
public final class PeerMethods {
    static final String SERVICE = "coppice.peer.v1.Peer";

    /** The most bytes of one message: an entry goes alone when it is large. */
    public static final int MAX_MESSAGE_BYTES = RequestLimits.MOST_BYTES + (2 << 20);

    static {
        LibrarySettings.allowOldMessages();
    }

    /** More than the library lets wait for an answer. */
    private static final int MOST_ENTRIES_WAITING = 512;

    static final StreamedMethod<AppendEntriesRequest, AppendEntriesResponse> APPEND = StreamedMethod.of(
            SERVICE, "Append", AppendEntriesRequest.parser(), AppendEntriesResponse.parser(), MOST_ENTRIES_WAITING);

    /** On a stream of its own, so that it does not wait behind entries. */
    static final StreamedMethod<AppendEntriesRequest, AppendEntriesResponse> HEARTBEAT = StreamedMethod.of(
            SERVICE, "Heartbeat", AppendEntriesRequest.parser(), AppendEntriesResponse.parser(), MOST_ENTRIES_WAITING);

    static final StreamedMethod<ProposeRequest, ProposeResponse> PROPOSE = StreamedMethod.of(
            SERVICE, "Propose", ProposeRequest.parser(), ProposeResponse.parser(), RaftLog.MAX_WAITING);
    static final MethodDescriptor<RequestVoteRequest, RequestVoteResponse> VOTE =
            unary("Vote", RequestVoteRequest.getDefaultInstance(), RequestVoteResponse.getDefaultInstance());
    static final MethodDescriptor<InstallSnapshotRequest, InstallSnapshotResponse> INSTALL_SNAPSHOT = unary(
            "InstallSnapshot",
            InstallSnapshotRequest.getDefaultInstance(),
            InstallSnapshotResponse.getDefaultInstance());
    static final MethodDescriptor<GetFileRequest, GetFileResponse> GET_FILE =
            unary("GetFile", GetFileRequest.getDefaultInstance(), GetFileResponse.getDefaultInstance());
    static final MethodDescriptor<TimeoutNowRequest, TimeoutNowResponse> TIMEOUT_NOW =
            unary("TimeoutNow", TimeoutNowRequest.getDefaultInstance(), TimeoutNowResponse.getDefaultInstance());
    static final MethodDescriptor<ReadIndexRequest, ReadIndexResponse> READ_INDEX =
            unary("ReadIndex", ReadIndexRequest.getDefaultInstance(), ReadIndexResponse.getDefaultInstance());
    static final MethodDescriptor<AskRequest, AskResponse> ASK =
            unary("Ask", AskRequest.getDefaultInstance(), AskResponse.getDefaultInstance());

    /** A command for a group of users, and its answer: {@link StateMachineGroups} knows what is in it. */
    static final MethodDescriptor<BytesValue, BytesValue> SUBMIT =
            unary("Submit", BytesValue.getDefaultInstance(), BytesValue.getDefaultInstance());

    private PeerMethods() {}

    private static <Q extends Message, A extends Message> MethodDescriptor<Q, A> unary(
            String name, Q request, A answer) {
        return MethodDescriptor.<Q, A>newBuilder()
                .setType(MethodType.UNARY)
                .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, name))
                .setRequestMarshaller(ProtoUtils.marshaller(request))
                .setResponseMarshaller(ProtoUtils.marshaller(answer))
                .build();
    }
}
