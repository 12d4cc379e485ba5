package dev.coppice.acceptance.fault;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.net.ConnectException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/** What the clients of a round share: until when they go on, and what is counted. Safe for use by many threads. */
final class Load {
    private final History history = new History();
    private final String prefix;
    private final AtomicLong answered = new AtomicLong();
    private final AtomicLong unknown = new AtomicLong();
    private final AtomicLong refused = new AtomicLong();
    private volatile boolean over;

    /** @param prefix of all keys of the round */
    Load(String prefix) {
        this.prefix = prefix;
    }

    String prefix() {
        return prefix;
    }

    History history() {
        return history;
    }

    boolean over() {
        return over;
    }

    void end() {
        over = true;
    }

    void countAnswered() {
        answered.incrementAndGet();
    }

    long answered() {
        return answered.get();
    }

    long unknown() {
        return unknown.get();
    }

    long refused() {
        return refused.get();
    }

    /**
     * Whether an error says for certain that nothing happened. A deadline or a connection that broke does not; neither does
     * UNAVAILABLE, unless there never was a connection, or the store tells that it has no leader to begin with.
     */
    boolean surelyRefused(StatusRuntimeException error) {
        String text = String.valueOf(error.getStatus().getDescription());
        boolean sure = switch (error.getStatus().getCode()) {
            case INVALID_ARGUMENT, FAILED_PRECONDITION, OUT_OF_RANGE, NOT_FOUND, RESOURCE_EXHAUSTED -> true;
            case UNAVAILABLE -> text.equals("etcdserver: no leader") || neverConnected(error);
            default -> false;
        };
        (sure ? refused : unknown).incrementAndGet();
        return sure;
    }

    private static boolean neverConnected(StatusRuntimeException error) {
        return error.getStatus().getCause() instanceof ConnectException;
    }

    static boolean is(StatusRuntimeException error, Status.Code code) {
        return error.getStatus().getCode() == code;
    }

    static void pause(long millis) {
        LockSupport.parkNanos(millis * 1_000_000);
    }
}
