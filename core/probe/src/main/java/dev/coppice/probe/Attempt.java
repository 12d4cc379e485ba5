package dev.coppice.probe;

import dev.coppice.kernel.Clock;
import dev.coppice.kernel.Timers;
import dev.coppice.probe.ProbeResult.Outcome;
import java.io.Closeable;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * One run of a probe: its deadline, and what was found so far. When the deadline passes, a timer closes whatever the probe
 * is blocked on; so a server that drips bytes, or never reads, cannot hold it. Used by one thread, but for {@link #expire}.
 */
final class Attempt implements AutoCloseable {

    /** What the probe is doing, in words for the user. */
    enum Step {
        RESOLVING("looking up the name"),
        CONNECTING("connecting"),
        HANDSHAKING("in the TLS handshake"),
        SENDING("sending"),
        WAITING("waiting for an answer"),
        READING("reading the answer"),
        RUNNING("running the command");

        private final String words;

        Step(String words) {
            this.words = words;
        }
    }

    private final Clock clock;
    private final Duration timeout;
    private final long startNanos;
    private final Instant startedAt;
    private final Timers.Timer watchdog;
    private boolean expired;
    private @Nullable Closeable guarded;

    private Step step = Step.RESOLVING;
    private long stepNanos;
    private long resolveNanos;
    private long connectNanos;
    private long tlsNanos;
    private long processingNanos;
    private long transferNanos;

    private @Nullable InetAddress address;
    private long bytes;
    private String excerpt = "";
    private List<AssertionOutcome> assertions = List.of();
    ProbeResult.@Nullable HttpFacts http;

    @Nullable
    TlsFacts tls;

    ProbeResult.@Nullable DnsFacts dns;
    ProbeResult.@Nullable CommandFacts command;
    ProbeResult.@Nullable GrpcFacts grpc;
    ProbeResult.@Nullable IcmpFacts icmp;

    Attempt(Clock clock, Timers timers, Duration timeout) {
        this.clock = clock;
        this.timeout = timeout;
        this.startedAt = clock.now();
        this.startNanos = clock.nanoTime();
        this.stepNanos = startNanos;
        this.watchdog = timers.schedule(timeout, this::expire);
    }

    /** Enters a step; the time since the last one counts for the step that ends. */
    void step(Step next) {
        long now = clock.nanoTime();
        account(now);
        step = next;
    }

    private void account(long now) {
        long spent = now - stepNanos;
        stepNanos = now;
        switch (step) {
            case RESOLVING -> resolveNanos += spent;
            case CONNECTING -> connectNanos += spent;
            case HANDSHAKING -> tlsNanos += spent;
            case SENDING, WAITING, RUNNING -> processingNanos += spent;
            case READING -> transferNanos += spent;
        }
    }

    /** What is left of the time.
     *
     * @throws ProbeFailure when nothing is */
    Duration remaining() throws ProbeFailure {
        long left = timeout.toNanos() - (clock.nanoTime() - startNanos);
        if (left <= 0) {
            throw timedOut();
        }
        return Duration.ofNanos(left);
    }

    /** At least 1. */
    int remainingMillis() throws ProbeFailure {
        return (int) Math.clamp(remaining().toMillis(), 1, Integer.MAX_VALUE);
    }

    /** Has this closed when the deadline passes, instead of what was guarded before. */
    void guard(Closeable closeable) throws ProbeFailure {
        synchronized (this) {
            if (!expired) {
                guarded = closeable;
                return;
            }
        }
        closeQuietly(closeable);
        throw timedOut();
    }

    private void expire() {
        Closeable victim;
        synchronized (this) {
            expired = true;
            victim = guarded;
        }
        if (victim != null) {
            closeQuietly(victim);
        }
    }

    private synchronized boolean expired() {
        return expired;
    }

    void address(InetAddress address) {
        this.address = address;
    }

    void countBytes(long more) {
        bytes += more;
    }

    void excerpt(byte[] text, int length) {
        excerpt = new String(text, 0, Math.min(length, ProbeResult.EXCERPT_CHARACTERS), StandardCharsets.UTF_8);
    }

    void excerpt(String text) {
        excerpt = text.length() <= ProbeResult.EXCERPT_CHARACTERS
                ? text
                : text.substring(0, ProbeResult.EXCERPT_CHARACTERS);
    }

    void assertions(List<AssertionOutcome> outcomes) {
        assertions = outcomes;
    }

    Duration elapsed() {
        return Duration.ofNanos(clock.nanoTime() - startNanos);
    }

    long nanoTime() {
        return clock.nanoTime();
    }

    Instant now() {
        return clock.now();
    }

    ProbeFailure timedOut() {
        return new ProbeFailure(Outcome.TIMED_OUT, "timed out after " + words(timeout) + " while " + step.words);
    }

    /** What an exception out of a socket means. */
    ProbeFailure explain(IOException e) {
        if (expired() || e instanceof SocketTimeoutException) {
            return timedOut();
        }
        var message = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        var who = address == null ? "" : " (" + address.getHostAddress() + ")";
        return switch (step) {
            case RESOLVING -> new ProbeFailure(Outcome.UNRESOLVED, message);
            case CONNECTING -> new ProbeFailure(Outcome.UNREACHABLE, connectWords(e, message) + who);
            case HANDSHAKING -> new ProbeFailure(Outcome.TLS_FAILED, tlsWords(e, message) + who);
            case SENDING, WAITING, READING, RUNNING ->
                new ProbeFailure(
                        Outcome.PROTOCOL_ERROR,
                        e instanceof SocketException || e instanceof SSLException
                                ? "the connection broke while " + step.words + ": " + message + who
                                : message + who);
        };
    }

    private static String connectWords(IOException e, String message) {
        if (e instanceof NoRouteToHostException) {
            return "no route to the host";
        }
        if (e instanceof ConnectException && message.contains("refused")) {
            return "connection refused";
        }
        return "cannot connect: " + message;
    }

    private static String tlsWords(IOException e, String message) {
        Throwable cause = e;
        while (cause.getCause() != null && cause.getCause() != cause) {
            cause = cause.getCause();
        }
        var deepest = cause.getMessage();
        if (message.contains("plaintext connection") || message.contains("Unsupported or unrecognized SSL message")) {
            return "TLS handshake failed: the server does not speak TLS there";
        }
        if (deepest == null || deepest.equals(message)) {
            return "TLS handshake failed: " + message;
        }
        return "TLS handshake failed: " + deepest;
    }

    ProbeResult result(Outcome outcome, String reason) {
        account(clock.nanoTime());
        return new ProbeResult(
                outcome,
                reason,
                startedAt,
                elapsed(),
                new ProbeResult.Phases(
                        Duration.ofNanos(resolveNanos),
                        Duration.ofNanos(connectNanos),
                        Duration.ofNanos(tlsNanos),
                        Duration.ofNanos(processingNanos),
                        Duration.ofNanos(transferNanos)),
                address == null ? null : address.getHostAddress(),
                bytes,
                excerpt,
                assertions,
                http,
                tls,
                dns,
                command,
                grpc,
                icmp);
    }

    static String words(Duration duration) {
        if (duration.toMillis() % 1000 == 0) {
            return duration.toSeconds() + " s";
        }
        if (duration.toMillis() < 10) {
            return String.format(java.util.Locale.ROOT, "%.2f ms", duration.toNanos() / 1e6);
        }
        return duration.toMillis() < 1000
                ? duration.toMillis() + " ms"
                : String.format(java.util.Locale.ROOT, "%.1f s", duration.toMillis() / 1000.0);
    }

    static void closeQuietly(Closeable closeable) {
        try {
            closeable.close();
        } catch (IOException e) {
            // It is closed as far as it can be; what it was doing reports its own failure.
        }
    }

    @Override
    public void close() {
        var unused = watchdog.cancel();
    }
}
