package dev.coppice.gateway.acme;

import dev.coppice.control.Reconciler;
import dev.coppice.control.Resource;
import dev.coppice.control.runtime.Backoff;
import dev.coppice.control.runtime.Condition;
import dev.coppice.control.runtime.StatusWriter;
import dev.coppice.gateway.kind.IssuerSpec;
import dev.coppice.gateway.kind.IssuerStatus;
import dev.coppice.kernel.Kernel;
import java.security.KeyPair;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.shredzone.acme4j.Login;
import org.shredzone.acme4j.exception.AcmeException;

/** Registers the accounts of issuers. */
final class IssuerReconciler implements Reconciler<IssuerSpec, IssuerStatus> {
    /** Secrets are not watched. */
    private static final Duration LOOK_AGAIN = Duration.ofMinutes(5);

    private static final Backoff RETRY = new Backoff(Duration.ofSeconds(5), Duration.ofHours(1), 0.3);

    private final Kernel kernel;
    private final Accounts accounts;
    private final CertificateMetrics metrics;
    private final Attempts attempts;

    IssuerReconciler(Kernel kernel, Accounts accounts, CertificateMetrics metrics) {
        this.kernel = kernel;
        this.accounts = accounts;
        this.metrics = metrics;
        this.attempts = new Attempts(RETRY, kernel.random());
    }

    @Override
    public Result reconcile(Request<IssuerSpec, IssuerStatus> request) {
        return AcmeConnection.within(AcmeServer.STEP_LIMIT, kernel.clock(), () -> look(request));
    }

    private Result look(Request<IssuerSpec, IssuerStatus> request) {
        Resource<IssuerSpec, IssuerStatus> issuer = request.resource().orElse(null);
        if (issuer == null || issuer.deleting()) {
            attempts.forget(request.key());
            return Result.DONE;
        }
        try {
            KeyPair keys = accounts.key(issuer, true);
            if (!registered(issuer, keys)) {
                register(request, issuer, keys);
            }
            attempts.forget(request.key());
            return Result.again(LOOK_AGAIN);
        } catch (NotReadyException e) {
            write(request, issuer, account(issuer), not("ErrInitIssuer", String.valueOf(e.getMessage())));
            return Result.again(attempts.failed(request.key(), null));
        } catch (AcmeException e) {
            return failed(request, issuer, Failure.of(e, kernel.clock().now()));
        } catch (RuntimeException e) {
            return failed(request, issuer, Failure.of(e, kernel.clock().now()));
        }
    }

    private static IssuerStatus.@Nullable Acme account(Resource<IssuerSpec, IssuerStatus> issuer) {
        IssuerStatus status = issuer.status();
        return status == null ? null : status.acme();
    }

    private static boolean registered(Resource<IssuerSpec, IssuerStatus> issuer, KeyPair keys) {
        IssuerStatus.Acme account = account(issuer);
        IssuerStatus status = issuer.status();
        return account != null
                && status != null
                && account.uri() != null
                && Accounts.hash(keys).equals(account.lastPrivateKeyHash())
                && Condition.find(status.conditions(), "Ready")
                        .filter(each -> each.isTrue() && Objects.equals(each.observedGeneration(), issuer.generation()))
                        .isPresent();
    }

    private void register(
            Request<IssuerSpec, IssuerStatus> request, Resource<IssuerSpec, IssuerStatus> issuer, KeyPair keys)
            throws AcmeException, NotReadyException {
        IssuerStatus.Acme before = account(issuer);
        String email = issuer.spec().acme().email();
        String hash = Accounts.hash(keys);
        boolean changed = before != null
                && before.uri() != null
                && hash.equals(before.lastPrivateKeyHash())
                && !Objects.equals(email, before.lastRegisteredEmail());
        Login login = accounts.register(issuer, keys, changed);
        write(
                request,
                issuer,
                new IssuerStatus.Acme(login.getAccountLocation().toString(), email, hash),
                Condition.of("Ready", true, "ACMEAccountRegistered", "the account is registered with the ACME server"));
    }

    private Result failed(
            Request<IssuerSpec, IssuerStatus> request, Resource<IssuerSpec, IssuerStatus> issuer, Failure failure) {
        metrics.failures.labelValues("account").inc();
        write(request, issuer, account(issuer), not("ErrRegisterACMEAccount", failure.message()));
        return Result.again(attempts.failed(request.key(), failure.pause()));
    }

    private static Condition not(String reason, String message) {
        return Condition.of("Ready", false, reason, message);
    }

    private void write(
            Request<IssuerSpec, IssuerStatus> request,
            Resource<IssuerSpec, IssuerStatus> issuer,
            IssuerStatus.@Nullable Acme account,
            Condition condition) {
        IssuerStatus before = issuer.status();
        List<Condition> conditions = Condition.set(
                before == null ? null : before.conditions(),
                condition.withGeneration(issuer.generation()),
                kernel.clock().now());
        boolean _ = new StatusWriter(request.resources()).write(issuer, new IssuerStatus(account, conditions));
    }
}
