package dev.coppice.store.raft;

import com.alipay.sofa.jraft.rpc.RpcUtils;
import com.google.protobuf.BytesValue;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.coppice.serving.PeersOnly;
import dev.coppice.serving.TlsSource;
import dev.coppice.store.StoreException;
import dev.coppice.store.engine.Errors;
import dev.coppice.store.wire.JoinGrpc;
import dev.coppice.store.wire.JoinRequest;
import dev.coppice.store.wire.JoinResponse;
import dev.coppice.store.wire.NumberedMessage;
import dev.coppice.store.wire.RelayAnswer;
import dev.coppice.store.wire.RelayQuestion;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.ObjIntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * What a member serves the others, to be given to a listener that runs calls on virtual threads. Everything but joining
 * needs the certificate of a node of the cluster. There is a member behind it while the store runs; at other times callers
 * are told to try again. Safe for use by many threads.
 */
public final class PeerServices {

    /**
     * Full names of the methods that the listener calls on its I/O threads: what keeps a leader in office, which is handed to
     * threads of the library, so that it does not wait for virtual threads' carriers, of which there are few; and proposals,
     * which are taken without waiting.
     */
    public static final Set<String> DIRECT = Set.of(
            PeerMethods.HEARTBEAT.stream().getFullMethodName(),
            PeerMethods.VOTE.getFullMethodName(),
            PeerMethods.PROPOSE.stream().getFullMethodName());

    private final AtomicReference<@Nullable PeerHandler> handler = new AtomicReference<>();
    private volatile ObjIntConsumer<String> received = (from, bytes) -> {};
    private volatile @Nullable Function<JoinRequest, JoinResponse> joining;
    private volatile Function<RelayQuestion, RelayAnswer> relaying = question -> {
        throw Errors.noLeader();
    };

    private final Map<String, PeerHandler> groups = new ConcurrentHashMap<>();
    private volatile @Nullable Function<BytesValue, BytesValue> submitting;

    /** Takes part in another group than the store's. */
    void attach(String group, PeerHandler member) {
        groups.put(group, member);
    }

    void detach(String group) {
        groups.remove(group);
    }

    /** Who takes commands for groups of users. */
    void onSubmit(Function<BytesValue, BytesValue> taking) {
        submitting = taking;
    }

    private PeerHandler member(String group) {
        PeerHandler known = groups.get(group);
        return known == null ? member() : known;
    }

    private BytesValue submit(BytesValue request) {
        Function<BytesValue, BytesValue> known = submitting;
        if (known == null) {
            throw Status.UNAVAILABLE
                    .withDescription("the node is being started; try again")
                    .asRuntimeException();
        }
        return known.apply(request);
    }

    void attach(PeerHandler member) {
        handler.set(member);
    }

    void detach(PeerHandler member) {
        handler.compareAndSet(member, null);
    }

    /** Who is told what other members sent entries, and how many bytes. */
    public void onReceived(ObjIntConsumer<String> counting) {
        received = counting;
    }

    /** Who answers nodes that want to join. */
    public void onJoin(Function<JoinRequest, JoinResponse> answering) {
        joining = answering;
    }

    /**
     * Who answers requests that are answered on the leader's node only.
     *
     * @param answering throws etcd's error for no leader as long as this node does not do so, too
     */
    public void onRelay(Function<RelayQuestion, RelayAnswer> answering) {
        relaying = answering;
    }

    RelayAnswer relay(RelayQuestion question) {
        return relaying.apply(question);
    }

    private PeerHandler member() {
        PeerHandler current = handler.get();
        if (current == null) {
            throw Status.UNAVAILABLE
                    .withDescription("the member is being started or stopped; try again")
                    .asRuntimeException();
        }
        return current;
    }

    /** @param tls of the listener: it says who is a node */
    public List<ServerServiceDefinition> services(TlsSource tls) {
        ServerServiceDefinition peer = ServerServiceDefinition.builder(PeerMethods.SERVICE)
                .addMethod(PeerMethods.APPEND.stream(), streamed(PeerMethods.APPEND, (request, answer) -> {
                    received.accept(request.getServerId(), request.getSerializedSize());
                    member(request.getGroupId()).append(request, answer);
                }))
                .addMethod(PeerMethods.HEARTBEAT.stream(), streamed(PeerMethods.HEARTBEAT, (request, answer) -> {
                    received.accept(request.getServerId(), request.getSerializedSize());
                    PeerHandler member = member(request.getGroupId());
                    // The library's lock is waited for elsewhere.
                    var _ = RpcUtils.runInThread(() -> member.append(request, answer));
                }))
                .addMethod(
                        PeerMethods.VOTE,
                        urgent((request, answer) -> member(request.getGroupId()).vote(request, answer)))
                .addMethod(
                        PeerMethods.INSTALL_SNAPSHOT,
                        later((request, answer) -> member(request.getGroupId()).installSnapshot(request, answer)))
                .addMethod(PeerMethods.GET_FILE, later((request, answer) -> member().file(request, answer)))
                .addMethod(
                        PeerMethods.TIMEOUT_NOW,
                        later((request, answer) -> member(request.getGroupId()).timeoutNow(request, answer)))
                .addMethod(
                        PeerMethods.READ_INDEX,
                        later((request, answer) -> member(request.getGroupId()).readIndex(request, answer)))
                .addMethod(
                        PeerMethods.PROPOSE.stream(),
                        streamed(PeerMethods.PROPOSE, (request, answer) -> member().propose(request, answer)))
                .addMethod(PeerMethods.SUBMIT, now(this::submit))
                .addMethod(PeerMethods.ASK, now(request -> member().ask(request)))
                .build();
        ServerServiceDefinition join = ServerServiceDefinition.builder(JoinGrpc.getServiceDescriptor())
                .addMethod(JoinGrpc.getJoinMethod(), now(this::join))
                .build();
        return List.of(ServerInterceptors.intercept(peer, new PeersOnly(tls)), join);
    }

    private JoinResponse join(JoinRequest request) {
        Function<JoinRequest, JoinResponse> known = joining;
        if (known == null) {
            throw Status.UNAVAILABLE
                    .withDescription("the node is being started; try again")
                    .asRuntimeException();
        }
        return known.apply(request);
    }

    private interface Later<Q> {
        void call(Q request, Consumer<Message> answer);
    }

    /** A method whose answer comes whenever it is there. */
    @SuppressWarnings("unchecked")
    private static <Q extends Message, A extends Message> io.grpc.ServerCallHandler<Q, A> later(Later<Q> body) {
        return ServerCalls.asyncUnaryCall((request, answers) -> guarded(
                answers,
                () -> body.call(request, message -> {
                    synchronized (answers) {
                        answers.onNext((A) message);
                        answers.onCompleted();
                    }
                })));
    }

    /** The same for a {@link #DIRECT} method: the library's lock is waited for elsewhere. */
    @SuppressWarnings("unchecked")
    private static <Q extends Message, A extends Message> io.grpc.ServerCallHandler<Q, A> urgent(Later<Q> body) {
        return ServerCalls.asyncUnaryCall((request, answers) -> guarded(answers, () -> {
            var _ = RpcUtils.runInThread(() -> guarded(
                    answers,
                    () -> body.call(request, message -> {
                        synchronized (answers) {
                            answers.onNext((A) message);
                            answers.onCompleted();
                        }
                    })));
        }));
    }

    private static <Q extends Message, A extends Message> io.grpc.ServerCallHandler<Q, A> now(Function<Q, A> body) {
        return ServerCalls.asyncUnaryCall((request, answers) -> guarded(answers, () -> {
            answers.onNext(body.apply(request));
            answers.onCompleted();
        }));
    }

    private static void guarded(StreamObserver<?> answers, Runnable body) {
        try {
            body.run();
        } catch (StoreException e) {
            answers.onError(e.status().asRuntimeException());
        } catch (io.grpc.StatusRuntimeException e) {
            answers.onError(e);
        } catch (RuntimeException e) {
            answers.onError(Status.INTERNAL.withDescription(String.valueOf(e)).asRuntimeException());
        }
    }

    /** Requests of a stream; one that fails ends it, and whoever waits for answers is told that they may have arrived. */
    private static <Q extends Message, A extends Message>
            io.grpc.ServerCallHandler<NumberedMessage, NumberedMessage> streamed(
                    StreamedMethod<Q, A> method, Later<Q> body) {
        return ServerCalls.asyncBidiStreamingCall(answers -> new StreamObserver<>() {
            private boolean over;

            @Override
            public void onNext(NumberedMessage call) {
                try {
                    body.call(method.requests().parseFrom(call.getMessage()), answer -> tell(call.getNumber(), answer));
                } catch (InvalidProtocolBufferException e) {
                    fail(Status.INVALID_ARGUMENT.withDescription(
                            "a message of the stream " + method.name() + " that cannot be read"));
                } catch (RuntimeException e) {
                    fail(Status.fromThrowable(e));
                }
            }

            private synchronized void tell(long number, Message answer) {
                if (!over) {
                    try {
                        answers.onNext(NumberedMessage.newBuilder()
                                .setNumber(number)
                                .setMessage(answer.toByteString())
                                .build());
                    } catch (RuntimeException e) {
                        over = true; // the connection is gone: the other side knows
                    }
                }
            }

            private synchronized void fail(Status status) {
                if (!over) {
                    over = true;
                    answers.onError(status.asRuntimeException());
                }
            }

            @Override
            public synchronized void onError(Throwable error) {
                over = true;
            }

            @Override
            public synchronized void onCompleted() {
                if (!over) {
                    over = true;
                    answers.onCompleted();
                }
            }
        });
    }
}
