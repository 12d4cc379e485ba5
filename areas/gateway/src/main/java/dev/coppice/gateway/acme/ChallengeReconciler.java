package dev.coppice.gateway.acme;

import dev.coppice.control.Key;
import dev.coppice.control.Reconciler;
import dev.coppice.control.Resource;
import dev.coppice.control.runtime.Backoff;
import dev.coppice.control.runtime.StatusWriter;
import dev.coppice.gateway.kind.ChallengeSpec;
import dev.coppice.gateway.kind.ChallengeStatus;
import dev.coppice.kernel.Kernel;
import java.net.MalformedURLException;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.shredzone.acme4j.Login;
import org.shredzone.acme4j.challenge.Challenge;
import org.shredzone.acme4j.exception.AcmeException;

/** Has the ACME server look at challenges, once the gateways were seen showing them (RFC 8555, 7.5.1). */
final class ChallengeReconciler implements Reconciler<ChallengeSpec, ChallengeStatus> {
    private static final Duration POLL = Duration.ofSeconds(1);
    private static final Duration LONGEST_POLL = Duration.ofSeconds(30);

    private static final Backoff RETRY = new Backoff(Duration.ofSeconds(5), Duration.ofHours(1), 0.3);
    private static final Backoff LOOK = new Backoff(Duration.ofMillis(100), Duration.ofSeconds(30), 0.3);

    /** Some servers leave it to us to have them look again. */
    private static final Backoff TRIGGER = new Backoff(Duration.ofSeconds(10), Duration.ofMinutes(5), 0.3);

    private static final int MOST_TRIGGERS = 5;

    private final Kernel kernel;
    private final Issuers issuers;
    private final Accounts accounts;
    private final Presence presence;
    private final CertificateMetrics metrics;
    private final Attempts attempts;
    private final IssuerTurns turns = new IssuerTurns(CertificateControl.CHALLENGES_OF_ISSUER);
    private final Attempts looks;
    private final Map<Key, Triggered> triggers = new ConcurrentHashMap<>();

    /** How often the server was told to look, and when it may be told again. */
    private record Triggered(int times, long nextNanos) {}

    ChallengeReconciler(
            Kernel kernel, Issuers issuers, Accounts accounts, Presence presence, CertificateMetrics metrics) {
        this.kernel = kernel;
        this.issuers = issuers;
        this.accounts = accounts;
        this.presence = presence;
        this.metrics = metrics;
        this.attempts = new Attempts(RETRY, kernel.random());
        this.looks = new Attempts(LOOK, kernel.random());
    }

    @Override
    public Result reconcile(Request<ChallengeSpec, ChallengeStatus> request) {
        Resource<ChallengeSpec, ChallengeStatus> challenge = request.resource().orElse(null);
        if (challenge == null) {
            return look(request);
        }
        Result result = turns.take(
                challenge.spec().issuerRef(),
                challenge.namespace(),
                () -> AcmeConnection.within(AcmeServer.STEP_LIMIT, kernel.clock(), () -> look(request)));
        if (result == null) {
            metrics.postponed.labelValues("challenge").inc();
            return Result.again(IssuerTurns.AGAIN);
        }
        return result;
    }

    private Result look(Request<ChallengeSpec, ChallengeStatus> request) {
        Resource<ChallengeSpec, ChallengeStatus> challenge = request.resource().orElse(null);
        ChallengeStatus known = challenge == null ? null : challenge.status();
        if (challenge == null || challenge.deleting() || known != null && known.ended()) {
            attempts.forget(request.key());
            looks.forget(request.key());
            presence.forget(request.key());
            triggers.remove(request.key());
            return Result.DONE;
        }
        ChallengeStatus status = known == null ? ChallengeStatus.EMPTY : known;
        try {
            if (!status.isPresented()) {
                String problem = presence.problem(challenge);
                write(
                        request,
                        challenge,
                        new ChallengeStatus(status.processing(), problem == null, "pending", problem));
                return problem == null ? Result.again(POLL) : Result.again(looks.failed(request.key(), null));
            }
            Login login = accounts.login(issuers.find(challenge.spec().issuerRef(), challenge.namespace()));
            Result result = ask(request, challenge, status, login);
            attempts.forget(request.key());
            return result;
        } catch (NotReadyException e) {
            write(request, challenge, because(status, String.valueOf(e.getMessage())));
            return Result.again(attempts.failed(request.key(), null));
        } catch (AcmeException e) {
            return failed(
                    request, challenge, status, Failure.of(e, kernel.clock().now()));
        } catch (RuntimeException e) {
            return failed(
                    request, challenge, status, Failure.of(e, kernel.clock().now()));
        }
    }

    private static ChallengeStatus because(ChallengeStatus status, String reason) {
        return new ChallengeStatus(
                status.processing(), status.presented(), status.state() == null ? "pending" : status.state(), reason);
    }

    private Result failed(
            Request<ChallengeSpec, ChallengeStatus> request,
            Resource<ChallengeSpec, ChallengeStatus> challenge,
            ChallengeStatus status,
            Failure failure) {
        metrics.failures.labelValues("challenge").inc();
        if (failure.lasting()) {
            end(request, challenge, "errored", failure.message());
            return Result.DONE;
        }
        write(request, challenge, because(status, failure.message()));
        return Result.again(attempts.failed(request.key(), failure.pause()));
    }

    private Result ask(
            Request<ChallengeSpec, ChallengeStatus> request,
            Resource<ChallengeSpec, ChallengeStatus> challenge,
            ChallengeStatus status,
            Login login)
            throws AcmeException {
        Challenge asked;
        try {
            asked = login.bindChallenge(URI.create(challenge.spec().url()).toURL());
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException(e);
        }
        String error = asked.getError().map(Failure::shown).orElse(null);
        switch (asked.getStatus()) {
            case VALID -> end(request, challenge, "valid", null);
            case PENDING -> {
                return trigger(request, challenge, status, asked, error);
            }
            case PROCESSING -> {
                write(request, challenge, new ChallengeStatus(true, true, "processing", error));
                return Result.again(poll(asked.getRetryAfter()));
            }
            default -> end(request, challenge, "invalid", error == null ? "the ACME server does not say why" : error);
        }
        return Result.DONE;
    }

    private Duration poll(Optional<Instant> again) {
        Duration wait =
                again.map(each -> Failure.between(kernel.clock().now(), each)).orElse(POLL);
        return wait.compareTo(LONGEST_POLL) > 0 ? LONGEST_POLL : wait.compareTo(POLL) < 0 ? POLL : wait;
    }

    /** Tells the server to look, but not while it may be doing so. */
    private Result trigger(
            Request<ChallengeSpec, ChallengeStatus> request,
            Resource<ChallengeSpec, ChallengeStatus> challenge,
            ChallengeStatus status,
            Challenge asked,
            @Nullable String error)
            throws AcmeException {
        long now = kernel.clock().nanoTime();
        Triggered before = triggers.get(request.key());
        if (before == null && status.isProcessing()) {
            // Another process told it.
            before = new Triggered(1, now + TRIGGER.after(1, kernel.random()).toNanos());
            triggers.put(request.key(), before);
        }
        if (before != null && now - before.nextNanos < 0) {
            write(request, challenge, new ChallengeStatus(true, true, "processing", error));
            return Result.again(POLL);
        }
        int times = before == null ? 1 : before.times + 1;
        if (times > MOST_TRIGGERS) {
            end(
                    request,
                    challenge,
                    "errored",
                    error == null
                            ? "the ACME server was told " + MOST_TRIGGERS + " times to look, and did not"
                            : error);
            return Result.DONE;
        }
        write(request, challenge, new ChallengeStatus(true, true, "processing", error));
        triggers.put(
                request.key(),
                new Triggered(times, now + TRIGGER.after(times, kernel.random()).toNanos()));
        asked.trigger();
        return Result.again(POLL);
    }

    private void end(
            Request<ChallengeSpec, ChallengeStatus> request,
            Resource<ChallengeSpec, ChallengeStatus> challenge,
            String state,
            @Nullable String reason) {
        write(request, challenge, new ChallengeStatus(false, true, state, reason));
    }

    private static void write(
            Request<ChallengeSpec, ChallengeStatus> request,
            Resource<ChallengeSpec, ChallengeStatus> challenge,
            ChallengeStatus next) {
        boolean _ = new StatusWriter(request.resources()).write(challenge, next);
    }
}
