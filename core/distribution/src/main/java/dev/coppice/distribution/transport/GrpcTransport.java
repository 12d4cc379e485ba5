package dev.coppice.distribution.transport;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Timers;
import dev.coppice.serving.GrpcConnection;
import dev.coppice.serving.PeersOnly;
import dev.coppice.serving.TlsSource;
import io.grpc.CallOptions;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.stub.CallStreamObserver;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.net.InetSocketAddress;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Connections by gRPC with TLS from both sides, on the same port as everything else between nodes, each with a TCP
 * connection of its own, so that mail never holds up what else nodes say to each other. A connection is one stream; the side
 * that made it sends heartbeats beside it, which need no room in the stream. Safe for use by many threads.
 */
public final class GrpcTransport implements Transport {
    private static final Context.Key<String> ID = Context.key("connection");
    private static final int MAX_ID = 64;

    private final Kernel kernel;
    private final TlsSource tls;
    private final Heartbeats heartbeats;
    private final Executor closing;
    private final Map<String, Accepted> accepted = new ConcurrentHashMap<>();
    private final Map<String, Dialled> dialled = new ConcurrentHashMap<>();
    private volatile @Nullable Function<Connection, Receiver> acceptor;
    private volatile boolean closed;
    private final Timers.Timer watching;

    /**
     * A transport.
     *
     * @param tls this node's certificates, and the authority of the cluster
     * @param closing runs what may block
     */
    public GrpcTransport(Kernel kernel, TlsSource tls, Heartbeats heartbeats, Executor closing) {
        this.kernel = kernel;
        this.tls = tls;
        this.heartbeats = heartbeats;
        this.closing = closing;
        this.watching = kernel.timers().every(heartbeats.interval(), this::watch);
    }

    /** What other nodes call; to be given to the listener for nodes. */
    public List<ServerServiceDefinition> services() {
        ServerServiceDefinition service = ServerServiceDefinition.builder(BatchMethods.SERVICE)
                .addMethod(BatchMethods.CONNECT, ServerCalls.asyncBidiStreamingCall(this::accepted))
                .addMethod(BatchMethods.HEARTBEAT, ServerCalls.asyncUnaryCall(this::heard))
                .build();
        return List.of(ServerInterceptors.intercept(service, new Identified(), new PeersOnly(tls)));
    }

    /** Keeps which connection a call belongs to. */
    private static final class Identified implements ServerInterceptor {
        @Override
        public <Q, A> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
            String id = headers.get(BatchMethods.CONNECTION);
            if (id == null || id.length() > MAX_ID) {
                call.close(Status.INVALID_ARGUMENT.withDescription("a connection has a name"), new Metadata());
                return new ServerCall.Listener<>() {};
            }
            return Contexts.interceptCall(Context.current().withValue(ID, id), call, headers, next);
        }
    }

    /** Closes what is silent. */
    private void watch() {
        long now = kernel.clock().nanoTime();
        for (Accepted each : accepted.values()) {
            if (now - each.heardNanos > heartbeats.silence().toNanos()) {
                each.close("it was silent for " + heartbeats.silence());
            }
        }
        dialled.values().forEach(Dialled::beat);
    }

    // ---- one end

    /** What both ends have in common. */
    private abstract class End implements Connection {
        private final AtomicBoolean over = new AtomicBoolean();
        volatile @Nullable Receiver receiver;

        abstract @Nullable CallStreamObserver<byte[]> stream();

        @Override
        public synchronized void send(byte[] batch) {
            CallStreamObserver<byte[]> to = stream();
            if (to == null || over.get()) {
                return;
            }
            try {
                to.onNext(batch);
            } catch (RuntimeException e) {
                ended("it cannot be written to: " + e.getMessage());
            }
        }

        @Override
        public boolean writable() {
            CallStreamObserver<byte[]> to = stream();
            return to != null && !over.get() && to.isReady();
        }

        @Override
        public void request(int batches) {
            CallStreamObserver<byte[]> from = stream();
            if (from != null && !over.get()) {
                from.request(batches);
            }
        }

        void ready() {
            Receiver known = receiver;
            if (known != null) {
                known.writable();
            }
        }

        void received(byte[] batch) {
            Receiver known = receiver;
            if (known != null) {
                known.received(batch);
            }
        }

        abstract void release();

        void ended(String why) {
            if (over.compareAndSet(false, true)) {
                release();
                Receiver known = receiver;
                if (known != null) {
                    known.closed(why);
                }
            }
        }

        boolean over() {
            return over.get();
        }
    }

    private static String words(Throwable error) {
        Status status = Status.fromThrowable(error);
        Throwable cause = status.getCause();
        String text = status.getCode() + (status.getDescription() == null ? "" : ": " + status.getDescription());
        return cause == null ? text : text + " (" + cause.getMessage() + ")";
    }

    // ---- calling

    private final class Dialled extends End {
        private final String id;
        private final GrpcConnection connection;
        private final AtomicInteger missed = new AtomicInteger();
        private volatile @Nullable ClientCallStreamObserver<byte[]> stream;

        Dialled(String id, InetSocketAddress address, Receiver receiver) {
            this.id = id;
            this.connection =
                    GrpcConnection.peer(tls, address.getHostString(), address.getPort(), BatchMethods.MAX_BYTES);
            this.receiver = receiver;
        }

        private CallOptions options() {
            return CallOptions.DEFAULT;
        }

        private io.grpc.Channel channel() {
            Metadata headers = new Metadata();
            headers.put(BatchMethods.CONNECTION, id);
            return io.grpc.ClientInterceptors.intercept(
                    connection.channel(), MetadataUtils.newAttachHeadersInterceptor(headers));
        }

        void start() {
            var unused = ClientCalls.asyncBidiStreamingCall(
                    channel().newCall(BatchMethods.CONNECT, options()), new ClientResponseObserver<byte[], byte[]>() {
                        @Override
                        public void beforeStart(ClientCallStreamObserver<byte[]> made) {
                            made.disableAutoRequestWithInitial(0);
                            made.setOnReadyHandler(Dialled.this::ready);
                            stream = made;
                        }

                        @Override
                        public void onNext(byte[] batch) {
                            received(batch);
                        }

                        @Override
                        public void onError(Throwable error) {
                            ended(words(error));
                        }

                        @Override
                        public void onCompleted() {
                            ended("the other node closed it");
                        }
                    });
        }

        @Override
        @Nullable
        CallStreamObserver<byte[]> stream() {
            return stream;
        }

        void beat() {
            if (missed.incrementAndGet() > heartbeats.missed()) {
                close("it was silent for " + heartbeats.silence());
                return;
            }
            CallOptions deadline = options()
                    .withDeadlineAfter(heartbeats.silence().toMillis(), TimeUnit.MILLISECONDS)
                    .withWaitForReady();
            ClientCalls.asyncUnaryCall(
                    channel().newCall(BatchMethods.HEARTBEAT, deadline), new byte[0], new StreamObserver<byte[]>() {
                        @Override
                        public void onNext(byte[] answer) {
                            missed.set(0);
                        }

                        @Override
                        public void onError(Throwable error) {
                            if (Status.fromThrowable(error).getCode() == Status.Code.NOT_FOUND) {
                                close("the other node has closed it");
                            }
                        }

                        @Override
                        public void onCompleted() {}
                    });
        }

        @Override
        public void close(String why) {
            ClientCallStreamObserver<byte[]> open = stream;
            if (open != null && !over()) {
                open.cancel(why, null);
            }
            ended(why);
        }

        /** Closing waits, and may be called by the thread that it waits for. */
        @Override
        void release() {
            dialled.remove(id, this);
            try {
                closing.execute(connection::close);
            } catch (RuntimeException e) {
                connection.channel().shutdownNow();
            }
        }
    }

    @Override
    public Connection connect(InetSocketAddress address, Receiver receiver) {
        byte[] random = new byte[16];
        kernel.secureRandom().nextBytes(random);
        Dialled made = new Dialled(HexFormat.of().formatHex(random), address, receiver);
        dialled.put(made.id, made);
        made.start();
        if (closed) {
            made.close("the node stops");
        }
        return made;
    }

    // ---- being called

    private final class Accepted extends End {
        private final String id;
        private final ServerCallStreamObserver<byte[]> stream;
        private volatile long heardNanos = kernel.clock().nanoTime();

        Accepted(String id, ServerCallStreamObserver<byte[]> stream) {
            this.id = id;
            this.stream = stream;
        }

        @Override
        CallStreamObserver<byte[]> stream() {
            return stream;
        }

        @Override
        public void close(String why) {
            boolean open = !over();
            ended(why);
            if (open) {
                synchronized (this) {
                    try {
                        stream.onError(Status.UNAVAILABLE.withDescription(why).asRuntimeException());
                    } catch (RuntimeException e) {
                        // It is gone already.
                    }
                }
            }
        }

        @Override
        void release() {
            accepted.remove(id, this);
        }
    }

    private StreamObserver<byte[]> accepted(StreamObserver<byte[]> answers) {
        ServerCallStreamObserver<byte[]> stream = (ServerCallStreamObserver<byte[]>) answers;
        Function<Connection, Receiver> known = acceptor;
        Accepted made = new Accepted(ID.get(), stream);
        stream.disableAutoRequest();
        stream.setOnReadyHandler(made::ready);
        stream.setOnCancelHandler(() -> made.ended("the other node closed it"));
        if (known == null || closed || accepted.putIfAbsent(made.id, made) != null) {
            made.close(closed ? "the node stops" : "the node is being started; try again");
        } else {
            made.receiver = known.apply(made);
        }
        return new StreamObserver<>() {
            @Override
            public void onNext(byte[] batch) {
                made.received(batch);
            }

            @Override
            public void onError(Throwable error) {
                made.ended(words(error));
            }

            @Override
            public void onCompleted() {
                made.close("the other node closed it");
            }
        };
    }

    private void heard(byte[] unused, StreamObserver<byte[]> answer) {
        Accepted found = accepted.get(ID.get());
        if (found == null) {
            answer.onError(Status.NOT_FOUND
                    .withDescription("there is no such connection")
                    .asRuntimeException());
            return;
        }
        found.heardNanos = kernel.clock().nanoTime();
        answer.onNext(new byte[0]);
        answer.onCompleted();
    }

    @Override
    public void accept(Function<Connection, Receiver> who) {
        acceptor = who;
    }

    @Override
    public void close() {
        closed = true;
        watching.cancel();
        List.copyOf(dialled.values()).forEach(each -> each.close("the node stops"));
        List.copyOf(accepted.values()).forEach(each -> each.close("the node stops"));
    }
}
