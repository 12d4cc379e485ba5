package dev.coppice.gateway.acme;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Informer;
import dev.coppice.control.Key;
import dev.coppice.control.Reconciler;
import dev.coppice.control.Resource;
import dev.coppice.control.runtime.Backoff;
import dev.coppice.control.runtime.StatusWriter;
import dev.coppice.gateway.kind.CertificateKinds;
import dev.coppice.gateway.kind.ChallengeSpec;
import dev.coppice.gateway.kind.ChallengeStatus;
import dev.coppice.gateway.kind.IssuerSpec;
import dev.coppice.gateway.kind.IssuerSpec.Solver;
import dev.coppice.gateway.kind.IssuerStatus;
import dev.coppice.gateway.kind.OrderSpec;
import dev.coppice.gateway.kind.OrderStatus;
import dev.coppice.kernel.Kernel;
import dev.coppice.schema.GoDuration;
import dev.coppice.schema.RecordMapper;
import dev.coppice.serving.Pem;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x500.style.IETFUtils;
import org.jspecify.annotations.Nullable;
import org.shredzone.acme4j.Authorization;
import org.shredzone.acme4j.Certificate;
import org.shredzone.acme4j.Login;
import org.shredzone.acme4j.Order;
import org.shredzone.acme4j.OrderBuilder;
import org.shredzone.acme4j.Problem;
import org.shredzone.acme4j.Status;
import org.shredzone.acme4j.challenge.Challenge;
import org.shredzone.acme4j.challenge.Http01Challenge;
import org.shredzone.acme4j.challenge.TlsAlpn01Challenge;
import org.shredzone.acme4j.challenge.TokenChallenge;
import org.shredzone.acme4j.exception.AcmeException;

/**
 * Takes orders from their beginning to a certificate (RFC 8555, 7.4). What the server has said is in the order's status before the next step, so
 * that another process may go on.
 */
final class OrderReconciler implements Reconciler<OrderSpec, OrderStatus> {
    private static final Duration POLL = Duration.ofSeconds(2);
    private static final Duration LONGEST_POLL = Duration.ofMinutes(5);
    /** Changes of challenges wake an order. */
    private static final Duration LOOK_AGAIN = Duration.ofSeconds(30);

    private static final Backoff RETRY = new Backoff(Duration.ofSeconds(5), Duration.ofHours(1), 0.3);
    private static final int MOST_ALTERNATES = 5;
    private static final int LONGEST_CHAIN = 10;

    private final Kernel kernel;
    private final Issuers issuers;
    private final Accounts accounts;
    private final Informer<ChallengeSpec, ChallengeStatus> challenges;
    private final CertificateMetrics metrics;
    private final Attempts attempts;
    private final IssuerTurns turns = new IssuerTurns(CertificateControl.ORDERS_OF_ISSUER);

    OrderReconciler(
            Kernel kernel,
            Issuers issuers,
            Accounts accounts,
            Informer<ChallengeSpec, ChallengeStatus> challenges,
            CertificateMetrics metrics) {
        this.kernel = kernel;
        this.issuers = issuers;
        this.accounts = accounts;
        this.challenges = challenges;
        this.metrics = metrics;
        this.attempts = new Attempts(RETRY, kernel.random());
    }

    /** An order that is worked at. */
    private record Work(
            Request<OrderSpec, OrderStatus> request,
            Resource<OrderSpec, OrderStatus> order,
            OrderStatus status,
            Resource<IssuerSpec, IssuerStatus> issuer,
            Login login) {
        void write(OrderStatus next) {
            OrderReconciler.write(request, order, next);
        }
    }

    private static void write(
            Request<OrderSpec, OrderStatus> request, Resource<OrderSpec, OrderStatus> order, OrderStatus next) {
        boolean _ = new StatusWriter(request.resources()).write(order, next);
    }

    @Override
    public Result reconcile(Request<OrderSpec, OrderStatus> request) {
        Resource<OrderSpec, OrderStatus> order = request.resource().orElse(null);
        if (order == null) {
            return look(request);
        }
        Result result = turns.take(
                order.spec().issuerRef(),
                order.namespace(),
                () -> AcmeConnection.within(AcmeServer.STEP_LIMIT, kernel.clock(), () -> look(request)));
        if (result == null) {
            metrics.postponed.labelValues("order").inc();
            return Result.again(IssuerTurns.AGAIN);
        }
        return result;
    }

    private Result look(Request<OrderSpec, OrderStatus> request) {
        Resource<OrderSpec, OrderStatus> order = request.resource().orElse(null);
        if (order == null || order.deleting()) {
            attempts.forget(request.key());
            return Result.DONE;
        }
        OrderStatus known = order.status();
        OrderStatus status = known == null ? OrderStatus.EMPTY : known;
        if (status.ended()) {
            attempts.forget(request.key());
            withdraw(request, order);
            return Result.DONE;
        }
        try {
            Resource<IssuerSpec, IssuerStatus> issuer =
                    issuers.find(order.spec().issuerRef(), order.namespace());
            Result result = step(new Work(request, order, status, issuer, accounts.login(issuer)));
            attempts.forget(request.key());
            return result;
        } catch (NotReadyException e) {
            write(request, order, status.because(e.getMessage()));
            return Result.again(attempts.failed(request.key(), null));
        } catch (AcmeException e) {
            return failed(request, order, status, Failure.of(e, kernel.clock().now()));
        } catch (RuntimeException e) {
            return failed(request, order, status, Failure.of(e, kernel.clock().now()));
        }
    }

    private Result failed(
            Request<OrderSpec, OrderStatus> request,
            Resource<OrderSpec, OrderStatus> order,
            OrderStatus status,
            Failure failure) {
        metrics.failures.labelValues("order").inc();
        if (failure.lasting()) {
            write(
                    request,
                    order,
                    status.ended("errored", failure.message(), kernel.clock().now()));
            return Result.DONE;
        }
        write(request, order, status.because(failure.message()));
        return Result.again(attempts.failed(request.key(), failure.pause()));
    }

    private Result step(Work work) throws AcmeException {
        String url = work.status.url();
        if (url == null) {
            return begin(work);
        }
        Order order = work.login.bindOrder(address(url));
        Optional<Instant> again = order.fetch();
        return switch (order.getStatus()) {
            case PENDING -> challenge(work);
            case READY -> {
                order.execute(PrivateKeys.der(work.order.spec().request()));
                work.write(work.status.in("processing", null));
                yield Result.again(POLL);
            }
            case PROCESSING -> {
                work.write(work.status.in("processing", null));
                yield Result.again(poll(again));
            }
            case VALID -> {
                work.write(work.status.issued(
                        chain(order.getCertificate(), work.issuer.spec().acme().preferredChain())));
                yield Result.DONE;
            }
            default -> {
                String state = order.getStatus() == Status.EXPIRED ? "expired" : "invalid";
                work.write(work.status.ended(
                        state, why(work, order), kernel.clock().now()));
                yield Result.DONE;
            }
        };
    }

    private Duration poll(Optional<Instant> again) {
        Duration wait =
                again.map(each -> Failure.between(kernel.clock().now(), each)).orElse(POLL);
        return wait.compareTo(LONGEST_POLL) > 0 ? LONGEST_POLL : wait.compareTo(POLL) < 0 ? POLL : wait;
    }

    private static URL address(String url) {
        try {
            return URI.create(url).toURL();
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private Result begin(Work work) throws AcmeException {
        OrderSpec spec = work.order.spec();
        IssuerSpec.Acme acme = work.issuer.spec().acme();
        OrderBuilder wanted = work.login.newOrder().domains(spec.dnsNames());
        String profile = acme.profile();
        if (profile != null) {
            wanted.profile(profile);
        }
        Duration duration = spec.duration() == null ? null : GoDuration.parse(spec.duration());
        if (duration != null && acme.enableDurationFeature()) {
            wanted.notAfter(kernel.clock().now().plus(duration));
        } else if (duration != null) {
            work.request
                    .resources()
                    .event(
                            work.order.tree(),
                            "Warning",
                            "DurationNotAskedFor",
                            "spec.duration is left out of account, the server decides: " + spec.issuerRef()
                                    + " has no spec.acme.enableDurationFeature");
        }
        Order made = wanted.create();
        if (made.getAuthorizations().size() > spec.dnsNames().size()) {
            String problem = "the ACME server wants " + made.getAuthorizations().size() + " authorizations for "
                    + spec.dnsNames().size() + " names";
            work.write(work.status.ended("errored", problem, kernel.clock().now()));
            return Result.DONE;
        }
        work.write(work.status.at(
                made.getLocation().toString(),
                made.getAuthorizations().stream()
                        .map(each -> each.getLocation().toString())
                        .toList(),
                made.getStatus().name().toLowerCase(Locale.ROOT)));
        // The change of the status wakes it.
        return Result.again(POLL);
    }

    // ---- what the server wants to see

    private Result challenge(Work work) throws AcmeException {
        for (String each : work.status.authorizations()) {
            String name = challengeName(work.order, each);
            Resource<ChallengeSpec, ChallengeStatus> known =
                    challenges.get(new Key(work.order.namespace(), name)).orElse(null);
            ChallengeStatus status = known == null ? null : known.status();
            if (known != null && status != null && "errored".equals(status.state())) {
                work.write(work.status.ended(
                        "errored", reason(known, status), kernel.clock().now()));
                return Result.DONE;
            }
            if (known == null) {
                String problem = challenge(work, each, name);
                if (problem != null) {
                    work.write(
                            work.status.ended("errored", problem, kernel.clock().now()));
                    return Result.DONE;
                }
            }
        }
        if (!"pending".equals(work.status.state()) || work.status.reason() != null) {
            work.write(work.status.in("pending", null));
        }
        return Result.again(LOOK_AGAIN);
    }

    private static String challengeName(Resource<?, ?> order, String authorization) {
        return Owners.named(order.name(), "", authorization);
    }

    /** Makes a Challenge of an authorization that waits; says why that cannot be done. */
    private @Nullable String challenge(Work work, String url, String name) throws AcmeException {
        Authorization authorization = work.login.bindAuthorization(address(url));
        Optional<Instant> _ = authorization.fetch();
        if (authorization.getStatus() != Status.PENDING) {
            return null;
        }
        String host = authorization.getIdentifier().getDomain();
        if (work.order.spec().dnsNames().stream().noneMatch(host::equalsIgnoreCase)) {
            return Failure.bounded(
                    "the ACME server wants an authorization for " + host + ", which is not of the order");
        }
        Solver solver = Solvers.choose(work.issuer.spec().acme().solvers(), host);
        if (solver == null) {
            return "no solver of " + work.order.spec().issuerRef() + " is for " + host;
        }
        String type = solver.http01() == null ? TlsAlpn01Challenge.TYPE : Http01Challenge.TYPE;
        Challenge offered = authorization.findChallenge(type).orElse(null);
        if (!(offered instanceof TokenChallenge shown)) {
            return "the ACME server offers no challenge of the type " + type + " for " + host + ", but "
                    + authorization.getChallenges().stream()
                            .map(Challenge::getType)
                            .toList();
        }
        // RFC 8555, 8.1: the token, a dot, and the thumbprint of the account's key.
        String key = shown.getAuthorization();
        create(
                work,
                name,
                new ChallengeSpec(
                        offered.getLocation().toString(),
                        url,
                        host,
                        solver.http01() == null ? ChallengeSpec.TLS : ChallengeSpec.HTTP,
                        key.substring(0, key.indexOf('.')),
                        key,
                        solver,
                        work.order.spec().issuerRef()));
        return null;
    }

    private static void create(Work work, String name, ChallengeSpec spec) {
        ObjectNode challenge = JsonNodeFactory.instance.objectNode();
        challenge
                .put("apiVersion", CertificateKinds.CHALLENGE.type().apiVersion())
                .put("kind", "Challenge");
        challenge.putObject("metadata").put("namespace", work.order.namespace()).put("name", name);
        Owners.own(challenge, work.order);
        challenge.set("spec", RecordMapper.fromRecord(spec));
        try {
            ObjectNode _ = work.request.resources().create(CertificateKinds.CHALLENGE.type(), challenge);
        } catch (ApiException e) {
            // The copy of it here may be late.
            if (e.code() != 409) {
                throw e;
            }
        }
    }

    private void withdraw(Request<OrderSpec, OrderStatus> request, Resource<OrderSpec, OrderStatus> order) {
        for (Resource<ChallengeSpec, ChallengeStatus> each : own(order)) {
            boolean _ = request.resources().delete(CertificateKinds.CHALLENGE.type(), each.namespace(), each.name());
        }
    }

    private List<Resource<ChallengeSpec, ChallengeStatus>> own(Resource<OrderSpec, OrderStatus> order) {
        OrderStatus status = order.status();
        List<Resource<ChallengeSpec, ChallengeStatus>> all = new ArrayList<>();
        for (String each : status == null ? List.<String>of() : status.authorizations()) {
            challenges
                    .get(new Key(order.namespace(), challengeName(order, each)))
                    .ifPresent(all::add);
        }
        return all;
    }

    private static String reason(Resource<ChallengeSpec, ChallengeStatus> challenge, ChallengeStatus status) {
        return challenge.spec().dnsName() + ": " + (status.reason() == null ? status.state() : status.reason());
    }

    /** What the server says of the order, or of a name. */
    private static String why(Work work, Order order) throws AcmeException {
        String whole = order.getError().map(Failure::shown).orElse(null);
        if (whole != null) {
            return whole;
        }
        for (String each : work.status.authorizations()) {
            Authorization authorization = work.login.bindAuthorization(address(each));
            Optional<Instant> _ = authorization.fetch();
            for (Challenge challenge : authorization.getChallenges()) {
                Problem error = challenge.getError().orElse(null);
                if (error != null) {
                    return authorization.getIdentifier().getValue() + ": " + Failure.shown(error);
                }
            }
        }
        return "the ACME server does not say why";
    }

    // ---- its certificate

    private static String chain(Certificate offered, @Nullable String preferred) throws AcmeException {
        offered.download();
        List<X509Certificate> chosen = offered.getCertificateChain();
        if (preferred != null && !leadsTo(chosen, preferred)) {
            List<Certificate> others = offered.getAlternateCertificates();
            for (Certificate each : others.subList(0, Math.min(others.size(), MOST_ALTERNATES))) {
                each.download();
                if (leadsTo(each.getCertificateChain(), preferred)) {
                    chosen = each.getCertificateChain();
                    break;
                }
            }
        }
        if (chosen.isEmpty() || chosen.size() > LONGEST_CHAIN) {
            throw new AcmeException("a chain of " + chosen.size() + " certificates");
        }
        return Base64.getEncoder().encodeToString(Pem.encode(chosen).getBytes(StandardCharsets.US_ASCII));
    }

    /** Whether the last of a chain was issued by somebody of a common name. */
    private static boolean leadsTo(List<X509Certificate> chain, String commonName) {
        if (chain.isEmpty()) {
            return false;
        }
        X500Name issuer =
                X500Name.getInstance(chain.getLast().getIssuerX500Principal().getEncoded());
        for (RDN each : issuer.getRDNs(BCStyle.CN)) {
            if (IETFUtils.valueToString(each.getFirst().getValue()).equals(commonName)) {
                return true;
            }
        }
        return false;
    }
}
