package dev.coppice.store.remote;

import dev.coppice.kernel.Kernel;
import dev.coppice.serving.GrpcConnection;
import dev.coppice.store.StoreException;
import dev.coppice.store.api.AuthGrpc;
import dev.coppice.store.api.AuthenticateRequest;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.ConnectivityState;
import io.grpc.Deadline;
import io.grpc.ForwardingClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The connections to the members of an etcd cluster: one of them is used until it fails, then the next. A call waits, within
 * its patience, until a member is connected; what was sent and only reads is sent again elsewhere, a write never is. Safe for
 * use by many threads.
 */
final class EtcdConnection implements AutoCloseable {

    /** How long a call goes on, with all its attempts. */
    static final Duration PATIENCE = Duration.ofSeconds(7);

    private static final Duration PAUSE = Duration.ofMillis(50);
    private static final Duration RECONNECT = Duration.ofMillis(250);
    private static final int MAX_MESSAGE_BYTES = 64 << 20;
    private static final Metadata.Key<String> TOKEN = Metadata.Key.of("token", Metadata.ASCII_STRING_MARSHALLER);
    private static final Metadata.Key<String> NEEDS_LEADER =
            Metadata.Key.of("hasleader", Metadata.ASCII_STRING_MARSHALLER);

    private final Kernel kernel;
    private final EtcdOptions options;
    private final EtcdMeters meters;
    private final List<Member> members;
    private final AtomicInteger current = new AtomicInteger();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final ReentrantLock signingIn = new ReentrantLock();
    private volatile @Nullable String token;
    private volatile boolean closed;

    /** What is done on a connected member. */
    interface Call<A> {
        A on(Channel channel) throws StatusException, InterruptedException;
    }

    /** What is done with a stream on a connected member, until it ends. */
    interface Streaming {
        void on(Channel channel) throws StatusException, InterruptedException;
    }

    /** The way to one member. */
    private final class Member {
        private final EtcdOptions.Endpoint endpoint;
        private final GrpcConnection connection;
        private volatile long retriedNanos = kernel.clock().nanoTime();

        Member(EtcdOptions.Endpoint endpoint) {
            this.endpoint = endpoint;
            this.connection = GrpcConnection.client(options.tls(), endpoint.host(), endpoint.port(), MAX_MESSAGE_BYTES);
            watch(connection.channel().getState(false));
        }

        private void watch(ConnectivityState seen) {
            connection.channel().notifyWhenStateChanged(seen, () -> {
                ConnectivityState now = connection.channel().getState(false);
                if (now == ConnectivityState.SHUTDOWN) {
                    return;
                }
                watch(now);
                if (now == ConnectivityState.READY) {
                    meters.connected();
                }
                signal();
            });
        }

        boolean ready() {
            ConnectivityState state = connection.channel().getState(true);
            if (state == ConnectivityState.TRANSIENT_FAILURE) {
                long now = kernel.clock().nanoTime();
                if (now - retriedNanos > RECONNECT.toNanos()) {
                    retriedNanos = now;
                    connection.channel().resetConnectBackoff();
                }
            }
            return state == ConnectivityState.READY;
        }
    }

    EtcdConnection(Kernel kernel, EtcdOptions options, EtcdMeters meters) {
        this.kernel = kernel;
        this.options = options;
        this.meters = meters;
        this.members = options.endpoints().stream().map(Member::new).toList();
    }

    private void signal() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    // ---- calls

    /** What may be done twice. */
    <A> A read(Call<A> call) {
        return call(call, true);
    }

    /** What is sent once: when the answer does not come, it is not known whether it was done. */
    <A> A write(Call<A> call) {
        return call(call, false);
    }

    private <A> A call(Call<A> call, boolean repeatable) {
        long end = kernel.clock().nanoTime() + PATIENCE.toNanos();
        boolean signedInAgain = false;
        while (true) {
            int used = await(end);
            try {
                return meters.counted(() -> call.on(channel(members.get(used), end)));
            } catch (StatusRuntimeException | StatusException e) {
                Status status = statusOf(e);
                if (unknownToken(status) && !signedInAgain) {
                    signedInAgain = true;
                    token = null;
                    continue;
                }
                // A member that is connected and does not answer is left, too: it may be frozen.
                boolean elsewhere = status.getCode() == Code.UNAVAILABLE || status.getCode() == Code.DEADLINE_EXCEEDED;
                if (elsewhere) {
                    leave(used);
                }
                if (!elsewhere || !repeatable || kernel.clock().nanoTime() > end) {
                    throw error(status, e);
                }
                pause();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new StoreException(Code.CANCELLED, "interrupted while etcd was asked", e);
            }
        }
    }

    private void pause() {
        try {
            kernel.timers().sleep(PAUSE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoreException(Code.CANCELLED, "interrupted while etcd was asked", e);
        }
    }

    /** Takes another member from now on, unless somebody did so meanwhile. */
    private void leave(int used) {
        if (current.compareAndSet(used, (used + 1) % members.size()) && members.size() > 1) {
            meters.moved();
        }
    }

    /** The member to use; waits for one that is connected. */
    private int await(long end) {
        lock.lock();
        try {
            while (true) {
                int first = current.get();
                for (int i = 0; i < members.size(); i++) {
                    int each = (first + i) % members.size();
                    if (members.get(each).ready()) {
                        current.compareAndSet(first, each);
                        return each;
                    }
                }
                long left = end - kernel.clock().nanoTime();
                if (closed || left <= 0) {
                    throw new StoreException(
                            Code.UNAVAILABLE,
                            closed
                                    ? "the connection to etcd is closed"
                                    : "no member of etcd answers at "
                                            + members.stream()
                                                    .map(member -> member.endpoint.toString())
                                                    .toList());
                }
                boolean _ = changed.await(Math.min(left, RECONNECT.toNanos()), TimeUnit.NANOSECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoreException(Code.CANCELLED, "interrupted while etcd was awaited", e);
        } finally {
            lock.unlock();
        }
    }

    /** A connection that breaks under a call is told with a code that says nothing. */
    private static Status statusOf(Exception failure) {
        Status status = Status.fromThrowable(failure);
        return status.getCode() == Code.UNKNOWN && status.getCause() instanceof IOException
                ? Status.UNAVAILABLE
                        .withDescription("the connection to etcd broke: " + status.getDescription())
                        .withCause(status.getCause())
                : status;
    }

    /** etcd's own codes and texts, as they came. */
    private StoreException error(Status status, Exception cause) {
        String text = status.getDescription();
        return new StoreException(status.getCode(), text == null ? "etcd: " + status.getCode() : text, cause);
    }

    // ---- who this is

    private static boolean unknownToken(Status status) {
        String text = String.valueOf(status.getDescription());
        return text.contains("invalid auth token") || text.contains("revision of auth store is old");
    }

    private Channel channel(Member member, long end) {
        return ClientInterceptors.intercept(
                member.connection.channel(),
                new Attached(signIn(member), end - kernel.clock().nanoTime(), false));
    }

    private @Nullable String signIn(Member member) {
        EtcdOptions.Login login = options.login();
        String known = token;
        if (login == null || known != null) {
            return known;
        }
        signingIn.lock();
        try {
            known = token;
            if (known == null) {
                known = AuthGrpc.newBlockingStub(member.connection.channel())
                        .withDeadlineAfter(PATIENCE.toSeconds(), TimeUnit.SECONDS)
                        .authenticate(AuthenticateRequest.newBuilder()
                                .setName(login.user())
                                .setPassword(login.password().read())
                                .build())
                        .getToken();
                token = known;
            }
            return known;
        } catch (IOException e) {
            throw new StoreException(Code.UNAUTHENTICATED, String.valueOf(e.getMessage()), e);
        } catch (StatusRuntimeException e) {
            if (String.valueOf(e.getStatus().getDescription()).contains("authentication is not enabled")) {
                return null;
            }
            throw e;
        } finally {
            signingIn.unlock();
        }
    }

    /**
     * Runs a stream on the member in use; when that breaks, the next call uses another one.
     *
     * @param body gets a channel whose calls end when that member loses its leader
     */
    void stream(Streaming body) throws InterruptedException {
        int used = await(kernel.clock().nanoTime() + PATIENCE.toNanos());
        Member member = members.get(used);
        try {
            body.on(ClientInterceptors.intercept(member.connection.channel(), new Attached(signIn(member), 0, true)));
        } catch (StatusRuntimeException | StatusException e) {
            Status status = statusOf(e);
            if (unknownToken(status)) {
                token = null;
            } else {
                leave(used);
            }
            throw error(status, e);
        }
    }

    void forgetToken() {
        token = null;
    }

    /** Adds the token, a deadline for calls, and for streams that they end where there is no leader. */
    private record Attached(@Nullable String token, long leftNanos, boolean needsLeader) implements ClientInterceptor {
        @Override
        public <Q, A> ClientCall<Q, A> interceptCall(
                MethodDescriptor<Q, A> method, CallOptions callOptions, Channel next) {
            CallOptions bounded = leftNanos == 0 ? callOptions : bounded(callOptions);
            return new ForwardingClientCall.SimpleForwardingClientCall<>(next.newCall(method, bounded)) {
                @Override
                public void start(Listener<A> listener, Metadata headers) {
                    String shown = token;
                    if (shown != null) {
                        headers.put(TOKEN, shown);
                    }
                    if (needsLeader) {
                        headers.put(NEEDS_LEADER, "true");
                    }
                    super.start(listener, headers);
                }
            };
        }

        /** A call's own limit counts, where that is shorter. */
        private CallOptions bounded(CallOptions callOptions) {
            Deadline patience = Deadline.after(Math.max(leftNanos, 1_000_000), TimeUnit.NANOSECONDS);
            Deadline own = callOptions.getDeadline();
            return callOptions.withDeadline(own == null ? patience : own.minimum(patience));
        }
    }

    @Override
    public void close() {
        closed = true;
        signal();
        members.forEach(member -> member.connection.close());
    }
}
