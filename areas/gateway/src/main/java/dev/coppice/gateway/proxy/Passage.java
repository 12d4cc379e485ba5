package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.ResilienceConfig;
import dev.coppice.gateway.resilience.CircuitBreaker;
import dev.coppice.gateway.resilience.CircuitBreaker.Phase;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponse;
import org.jspecify.annotations.Nullable;

/**
 * What a request has of the bounds of its upstream, try by try; all of it is given back, however a try ends. Used on one event loop
 * only.
 *
 * <p>A try counts for the circuit breaker and for the limit by latency until the head of its answer: what comes then, such as a stream of events, says
 * nothing of how much its endpoint has to do. It counts as a parallel request until its end. For a stream, and for a client's datagrams, the connection is
 * the answer.
 */
final class Passage {
    private final Guard guard;
    private Guard.Rules rules;
    private @Nullable Phase leave;
    /** With which an answer came that may still break off. */
    private @Nullable Phase answered;

    private boolean awaited;
    private boolean parallel;
    private boolean retrying;
    private boolean pending;
    private boolean connection;
    private long beganNanos;

    Passage(Guard guard) {
        this.guard = guard;
        this.rules = guard.rules();
    }

    ResilienceConfig.@Nullable Fallback fallback() {
        return rules.config.fallback();
    }

    /** The first try may be sent; else why not. */
    @Nullable
    Refusal begin(long now) {
        Refusal refusal = again(now);
        if (refusal == null) {
            rules.budget.request(now);
        }
        return refusal;
    }

    /** A further try, which {@link #mayRetry} allowed, may be sent; else why not. */
    @Nullable
    Refusal again(long now) {
        endTry();
        rules = guard.rules();
        beganNanos = now;
        Refusal refusal = take(now);
        if (refusal != null) {
            endTry();
            guard.metrics.refused(refusal);
        }
        return refusal;
    }

    private @Nullable Refusal take(long now) {
        ResilienceConfig.Limits limits = rules.config.limits();
        if (limits != null && limits.parallelRequests() != null) {
            parallel = guard.parallelRequests.take(limits.parallelRequests());
            if (!parallel) {
                return Refusal.PARALLEL_REQUESTS;
            }
        }
        if (rules.concurrency != null) {
            awaited = rules.concurrency.take();
            if (!awaited) {
                return Refusal.CONCURRENCY;
            }
        }
        if (rules.breaker != null) {
            leave = rules.breaker.ask(now);
            if (leave == null) {
                return Refusal.CIRCUIT_BREAKER;
            }
        }
        return null;
    }

    /** Nanoseconds after which it is worth to ask again; 0: nobody knows. */
    long retryNanos(long now) {
        return rules.breaker == null ? 0 : rules.breaker.retryNanos(now);
    }

    /** Whether the budget and the bound of retries have room for one more, which is taken. */
    boolean mayRetry(long now) {
        ResilienceConfig.Limits limits = rules.config.limits();
        boolean taken = false;
        if (!retrying && limits != null && limits.parallelRetries() != null) {
            taken = guard.parallelRetries.take(limits.parallelRetries());
            if (!taken) {
                guard.metrics.refused(Refusal.PARALLEL_RETRIES);
                return false;
            }
        }
        if (!rules.budget.retry(now)) {
            if (taken) {
                guard.parallelRetries.giveBack();
            }
            guard.metrics.refused(Refusal.RETRY_BUDGET);
            return false;
        }
        retrying |= taken;
        return true;
    }

    /** The try has to wait for a connection; false: too many do. */
    boolean queue(long now) {
        ResilienceConfig.Limits limits = rules.config.limits();
        if (limits != null && limits.pendingRequests() != null) {
            pending = guard.pendingRequests.take(limits.pendingRequests());
            if (!pending) {
                guard.metrics.refused(Refusal.PENDING_REQUESTS);
                return false;
            }
        }
        return true;
    }

    /** The try has a connection. */
    void connected() {
        if (pending) {
            pending = false;
            guard.pendingRequests.giveBack();
        }
    }

    /** Takes a place for the connection that a stream has for itself; false: there are too many. */
    boolean connect() {
        connection = guard.connect(false);
        if (!connection) {
            guard.metrics.refused(Refusal.CONNECTIONS);
        }
        return connection;
    }

    /** The connection of a stream is gone, or there will be none. */
    void disconnected() {
        if (connection) {
            connection = false;
            guard.disconnected();
        }
    }

    /** The head of an answer is there. One of gRPC without messages has its status here. */
    void answered(HttpResponse head, long now) {
        int grpc = GrpcStatus.isGrpc(head.headers()) ? GrpcStatus.http(head.headers()) : 0;
        answered(grpc == 0 ? head.status().code() : grpc, now);
    }

    /** It is known how the try went, as a status of HTTP. */
    void answered(int code, long now) {
        Phase current = leave;
        CircuitBreaker breaker = rules.breaker;
        if (current != null && breaker != null) {
            boolean failed = breaker.config().failureCodes().contains(code);
            leave = null;
            answered = failed ? null : current;
            breaker.ended(current, failed, now - beganNanos, now);
        }
        measured(now);
    }

    /** Nothing is answered, and nothing went wrong: that is a success, but says nothing of how long it takes. */
    void taken(long now) {
        Phase current = leave;
        CircuitBreaker breaker = rules.breaker;
        if (current != null && breaker != null) {
            leave = null;
            answered = current;
            breaker.ended(current, false, 0, now);
        }
        unmeasured();
    }

    /** The end of an answer is there: one of gRPC with messages has its status here. */
    void trailers(HttpHeaders trailers, long now) {
        Phase current = answered;
        CircuitBreaker breaker = rules.breaker;
        if (current == null || breaker == null) {
            return;
        }
        answered = null;
        if (breaker.config().failureCodes().contains(GrpcStatus.http(trailers))) {
            breaker.broke(current, now);
        }
    }

    private void measured(long now) {
        if (awaited && rules.concurrency != null) {
            awaited = false;
            rules.concurrency.ended(beganNanos, now);
        }
    }

    private void unmeasured() {
        if (awaited && rules.concurrency != null) {
            awaited = false;
            rules.concurrency.dropped();
        }
    }

    /** The try has failed. */
    void failed(Attempt.Failure failure, long now) {
        if (failure == Attempt.Failure.TIMEOUT) {
            measured(now);
        }
        CircuitBreaker breaker = rules.breaker;
        // The endpoint has nothing to do with the others.
        if (breaker != null
                && failure != Attempt.Failure.WAITING
                && failure != Attempt.Failure.REFUSED
                && failure != Attempt.Failure.WEBSOCKET) {
            if (leave != null) {
                breaker.ended(leave, true, now - beganNanos, now);
                leave = null;
            } else if (answered != null) {
                breaker.broke(answered, now);
                answered = null;
            }
        }
    }

    /** Gives everything back that the try has; the leave to be a retry stays. */
    void endTry() {
        connected();
        disconnected();
        if (leave != null && rules.breaker != null) {
            rules.breaker.dropped(leave);
        }
        leave = null;
        answered = null;
        unmeasured();
        if (parallel) {
            parallel = false;
            guard.parallelRequests.giveBack();
        }
    }

    /** Gives everything back. */
    void end() {
        endTry();
        if (retrying) {
            retrying = false;
            guard.parallelRetries.giveBack();
        }
    }
}
