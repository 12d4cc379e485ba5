package dev.coppice.store.etcd;

import com.google.protobuf.Message;
import dev.coppice.store.MemberKeyspace;
import dev.coppice.store.StoreException;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.KVGrpc;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.engine.Errors;
import dev.coppice.store.engine.Machine;
import dev.coppice.store.engine.Requests;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.Status;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Serves the calls of KV on the connection's own thread: a write is proposed there and answered when it was applied, a read of
 * one key is answered at once when it needs no disk. Whatever may have to wait (users and roles, a full keyspace, a range, a
 * member that restarts) goes to a thread of its own. Safe for use by many threads.
 */
final class DirectCalls {

    private static final System.Logger LOG = System.getLogger(DirectCalls.class.getName());

    /** Begins a call; false, with nothing done, when it may have to wait. */
    private interface Start<Q> {
        boolean begin(Q request, Machine.Outcome outcome);
    }

    private final MemberKeyspace keyspace;
    private final Gate gate;
    private final Map<String, Start<?>> starts;

    DirectCalls(MemberKeyspace keyspace, Gate gate) {
        this.keyspace = keyspace;
        this.gate = gate;
        Start<PutRequest> put = (request, outcome) -> {
            Requests.check(request);
            return keyspace.put(request, outcome);
        };
        Start<DeleteRangeRequest> delete = (request, outcome) -> {
            Requests.check(request);
            return keyspace.delete(request, outcome);
        };
        Start<TxnRequest> txn = (request, outcome) -> {
            Requests.check(request, keyspace.limits());
            return keyspace.txn(request, outcome);
        };
        Start<RangeRequest> range = (request, outcome) -> {
            Requests.check(request);
            return keyspace.range(request, outcome);
        };
        this.starts = Map.of(
                KVGrpc.getPutMethod().getFullMethodName(), put,
                KVGrpc.getDeleteRangeMethod().getFullMethodName(), delete,
                KVGrpc.getTxnMethod().getFullMethodName(), txn,
                KVGrpc.getRangeMethod().getFullMethodName(), range);
    }

    /** The full names of the methods that it serves. */
    Set<String> methods() {
        return starts.keySet();
    }

    /** A handler of one of these methods. */
    @SuppressWarnings("unchecked")
    <Q extends Message, A extends Message> ServerCallHandler<Q, A> handler(Method<Q, A> method) {
        Start<Q> start = (Start<Q>) starts.get(method.grpc().getFullMethodName());
        if (start == null) {
            throw new IllegalArgumentException(method.path());
        }
        return (call, headers) -> {
            call.request(2);
            return new Listening<>(call, headers, method, start);
        };
    }

    private final class Listening<Q extends Message, A extends Message> extends ServerCall.Listener<Q>
            implements Machine.Outcome {
        private final ServerCall<Q, A> call;
        private final Metadata headers;
        private final Method<Q, A> method;
        private final Start<Q> start;
        private @Nullable Q request;

        Listening(ServerCall<Q, A> call, Metadata headers, Method<Q, A> method, Start<Q> start) {
            this.call = call;
            this.headers = headers;
            this.method = method;
            this.start = start;
        }

        @Override
        public void onMessage(Q message) {
            if (request != null) {
                close(Status.INTERNAL.withDescription("more than one request in a call that has one"));
                return;
            }
            request = message;
        }

        @Override
        public void onHalfClose() {
            Q asked = request;
            if (asked == null) {
                close(Status.INTERNAL.withDescription("no request in a call that has one"));
                return;
            }
            try {
                Credentials credentials = Credentials.of(call, headers);
                if (!gate.unrestricted(credentials) || !start.begin(asked, this)) {
                    keyspace.store().execute(() -> waiting(credentials, asked));
                }
            } catch (StoreException e) {
                refused(e);
            } catch (RejectedExecutionException e) {
                refused(Errors.stopped());
            } catch (RuntimeException e) {
                close(EtcdServices.status(e));
            }
        }

        /** On a thread that may wait. */
        private void waiting(Credentials credentials, Q asked) {
            A answer;
            try {
                Caller caller = gate.identify(credentials.certificates(), credentials.token());
                gate.require(caller, method.access());
                answer = method.body().call(caller, asked);
            } catch (RuntimeException e) {
                close(EtcdServices.status(e));
                return;
            }
            answered(answer);
        }

        @Override
        @SuppressWarnings("unchecked")
        public void answered(Message answer) {
            try {
                if (!call.isCancelled()) {
                    call.sendHeaders(new Metadata());
                    call.sendMessage((A) answer);
                    call.close(Status.OK, new Metadata());
                }
            } catch (RuntimeException e) {
                // Never up to the thread that applies commands: the connection is gone.
                LOG.log(System.Logger.Level.DEBUG, "a call could not be answered", e);
            }
        }

        @Override
        public void refused(StoreException error) {
            close(error.status());
        }

        private void close(Status status) {
            try {
                if (!call.isCancelled()) {
                    call.close(status, new Metadata());
                }
            } catch (RuntimeException e) {
                LOG.log(System.Logger.Level.DEBUG, "a call could not be answered", e);
            }
        }
    }
}
