package dev.coppice.store.raft;

import com.alipay.sofa.jraft.Node;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.error.RaftError;
import com.alipay.sofa.jraft.rpc.Connection;
import com.alipay.sofa.jraft.rpc.RaftServerService;
import com.alipay.sofa.jraft.rpc.RpcContext;
import com.alipay.sofa.jraft.rpc.RpcRequestClosure;
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
import com.alipay.sofa.jraft.rpc.RpcResponseClosureAdapter;
import com.alipay.sofa.jraft.storage.FileService;
import com.alipay.sofa.jraft.util.RpcFactoryHelper;
import com.google.protobuf.Message;
import dev.coppice.store.wire.AskRequest;
import dev.coppice.store.wire.AskResponse;
import dev.coppice.store.wire.ProposeRequest;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Hands what other members send to the library's node, when it is meant for it. */
final class RaftRequests implements PeerHandler {

    /** The most bytes of a file in one answer. */
    private static final long MAX_CHUNK_BYTES = 1 << 20;

    private final String group;
    private final String self;
    private final RaftServerService service;
    private final ElectionTimers.LeaderContact contact;
    private final BooleanSupplier leading;
    private final BiConsumer<ProposeRequest, Consumer<Message>> proposing;
    private final Function<AskRequest, AskResponse> answering;

    /**
     * @param contact is told when a leader is heard
     * @param leading whether this member leads, and has applied everything from before
     */
    RaftRequests(
            String group,
            String self,
            Node node,
            ElectionTimers.LeaderContact contact,
            BooleanSupplier leading,
            BiConsumer<ProposeRequest, Consumer<Message>> proposing,
            Function<AskRequest, AskResponse> answering) {
        this.group = group;
        this.self = self;
        this.service = (RaftServerService) node;
        this.contact = contact;
        this.leading = leading;
        this.proposing = proposing;
        this.answering = answering;
    }

    /** Where an answer goes; there is no connection to speak of. */
    private record Context(Consumer<Message> answer) implements RpcContext {
        @Override
        public void sendResponse(Object response) {
            answer.accept((Message) response);
        }

        @Override
        public @Nullable Connection getConnection() {
            return null;
        }

        @Override
        public String getRemoteAddress() {
            return "a member";
        }
    }

    /** Where the answer to a request goes that this member made up itself. */
    static final RpcContext NOBODY = new Context(_ -> {});

    private static Message refusal(Message like, RaftError error, String text) {
        return RpcFactoryHelper.responseFactory().newResponse(like, error, "%s", text);
    }

    /** Whether a request is for this member; else, such as when an address got another owner, it is refused. */
    private boolean mine(String toGroup, String toPeer, Message like, Consumer<Message> answer) {
        boolean mine = toGroup.equals(group) && toPeer.equals(self);
        if (!mine) {
            answer.accept(refusal(
                    like, RaftError.ENOENT, "this is " + self + " of " + group + ", not " + toPeer + " of " + toGroup));
        }
        return mine;
    }

    private static void answer(@Nullable Message response, Consumer<Message> answer) {
        if (response != null) {
            answer.accept(response);
        }
    }

    private static RpcRequestClosure later(Message like, Consumer<Message> answer) {
        return new RpcRequestClosure(new Context(answer), like);
    }

    @Override
    public void append(AppendEntriesRequest request, Consumer<Message> answer) {
        Message like = AppendEntriesResponse.getDefaultInstance();
        if (mine(request.getGroupId(), request.getPeerId(), like, answer)) {
            contact.heard();
            answer(service.handleAppendEntriesRequest(request, later(like, answer)), answer);
        }
    }

    @Override
    public void vote(RequestVoteRequest request, Consumer<Message> answer) {
        Message like = RequestVoteResponse.getDefaultInstance();
        if (mine(request.getGroupId(), request.getPeerId(), like, answer)) {
            answer(
                    request.getPreVote()
                            ? service.handlePreVoteRequest(request)
                            : service.handleRequestVoteRequest(request),
                    answer);
        }
    }

    @Override
    public void installSnapshot(InstallSnapshotRequest request, Consumer<Message> answer) {
        Message like = InstallSnapshotResponse.getDefaultInstance();
        if (mine(request.getGroupId(), request.getPeerId(), like, answer)) {
            contact.heard();
            answer(service.handleInstallSnapshot(request, later(like, answer)), answer);
        }
    }

    @Override
    public void file(GetFileRequest request, Consumer<Message> answer) {
        GetFileRequest bounded = request.getCount() > MAX_CHUNK_BYTES
                ? request.toBuilder().setCount(MAX_CHUNK_BYTES).build()
                : request;
        answer(
                FileService.getInstance().handleGetFile(bounded, later(GetFileResponse.getDefaultInstance(), answer)),
                answer);
    }

    @Override
    public void timeoutNow(TimeoutNowRequest request, Consumer<Message> answer) {
        Message like = TimeoutNowResponse.getDefaultInstance();
        if (mine(request.getGroupId(), request.getPeerId(), like, answer)) {
            answer(service.handleTimeoutNowRequest(request, later(like, answer)), answer);
        }
    }

    /** Only a leader that has applied everything from before its term may answer, also one that is alone. */
    @Override
    public void readIndex(ReadIndexRequest request, Consumer<Message> answer) {
        Message like = ReadIndexResponse.getDefaultInstance();
        if (!mine(request.getGroupId(), request.getPeerId(), like, answer)) {
            return;
        }
        if (!leading.getAsBoolean()) {
            answer.accept(refusal(like, RaftError.EAGAIN, "this member does not lead, or not yet"));
            return;
        }
        service.handleReadIndexRequest(request, new RpcResponseClosureAdapter<ReadIndexResponse>() {
            @Override
            public void run(Status status) {
                ReadIndexResponse response = getResponse();
                answer.accept(
                        response != null
                                ? response
                                : RpcFactoryHelper.responseFactory().newResponse(like, status));
            }
        });
    }

    @Override
    public void propose(ProposeRequest request, Consumer<Message> answer) {
        proposing.accept(request, answer);
    }

    @Override
    public AskResponse ask(AskRequest request) {
        return answering.apply(request);
    }
}
