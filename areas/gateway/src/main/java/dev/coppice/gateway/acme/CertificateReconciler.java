package dev.coppice.gateway.acme;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Informer;
import dev.coppice.control.Key;
import dev.coppice.control.Reconciler;
import dev.coppice.control.Resource;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.runtime.Condition;
import dev.coppice.control.runtime.StatusWriter;
import dev.coppice.gateway.kind.CertificateKinds;
import dev.coppice.gateway.kind.CertificateSpec;
import dev.coppice.gateway.kind.CertificateStatus;
import dev.coppice.gateway.kind.OrderSpec;
import dev.coppice.gateway.kind.OrderStatus;
import dev.coppice.kernel.Kernel;
import dev.coppice.schema.RecordMapper;
import dev.coppice.serving.Pem;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Keeps Certificates' Secrets filled: orders a certificate when one is missing, does not fit, or is to be renewed, and puts it in its Secret. A key
 * is in a Secret of its own before it is asked for, and each step may be done again, so that another process may go on at any of them.
 */
final class CertificateReconciler implements Reconciler<CertificateSpec, CertificateStatus> {
    /** By which its Secrets are watched. */
    static final String MADE_LABEL = "controller.cert-manager.io/fao";

    private static final String NEXT_KEY_LABEL = "cert-manager.io/next-private-key";
    private static final String KEY_ENTRY = "tls.key";

    /** After failures: an hour, then twice as long each time, 32 hours at most, as cert-manager waits. */
    private static final Duration FIRST_WAIT = Duration.ofHours(1);

    private static final int MOST_DOUBLINGS = 5;

    /** Long timers are of no use: clocks are set. */
    private static final Duration LOOK_AGAIN = Duration.ofHours(6);

    /** After an issuance, when what is in the Secret is changed by others again and again. */
    private static final Duration LEAST_BETWEEN = Duration.ofHours(1);

    private static final Duration MISSED = Duration.ofSeconds(30);

    private final Kernel kernel;
    private final Informer<CertificateSpec, CertificateStatus> certificates;
    private final Informer<OrderSpec, OrderStatus> orders;
    private final CertificateMetrics metrics;

    CertificateReconciler(
            Kernel kernel,
            Informer<CertificateSpec, CertificateStatus> certificates,
            Informer<OrderSpec, OrderStatus> orders,
            CertificateMetrics metrics) {
        this.kernel = kernel;
        this.certificates = certificates;
        this.orders = orders;
        this.metrics = metrics;
    }

    /** A Certificate that is worked at. */
    private record Work(
            ResourceClient resources,
            Resource<CertificateSpec, CertificateStatus> certificate,
            CertificateStatus status,
            Instant now) {
        CertificateSpec spec() {
            return certificate.spec();
        }

        String namespace() {
            return certificate.namespace();
        }

        Optional<Condition> condition(String type) {
            return Condition.find(status.conditions(), type);
        }
    }

    @Override
    public Result reconcile(Request<CertificateSpec, CertificateStatus> request) throws GeneralSecurityException {
        Resource<CertificateSpec, CertificateStatus> certificate =
                request.resource().orElse(null);
        if (certificate == null || certificate.deleting()) {
            metrics.gone(request.key());
            return Result.DONE;
        }
        CertificateStatus known = certificate.status();
        Work work = new Work(
                request.resources(),
                certificate,
                known == null ? CertificateStatus.EMPTY : known,
                kernel.clock().now());
        CertificateCheck check = check(work);
        metrics.seen(
                request.key(),
                check.ready(),
                check.held() == null ? null : check.held().notAfter());
        if (work.condition("Issuing").filter(Condition::isTrue).isPresent()) {
            return issue(work, check);
        }
        if (!check.issue()) {
            write(work, check, null, null);
            return again(work, check.held() == null ? null : check.held().renewal());
        }
        Instant next = next(work, check);
        if (next.isAfter(work.now)) {
            write(work, check, null, null);
            return again(work, next);
        }
        metrics.issuances.labelValues("begun").inc();
        Condition issuing = Condition.of("Issuing", true, check.reason(), check.message());
        write(work, check, issuing, null);
        // The change of the status wakes it.
        return Result.again(MISSED);
    }

    private Result again(Work work, @Nullable Instant when) {
        Duration wait = when == null ? LOOK_AGAIN : Duration.between(work.now, when);
        if (wait.compareTo(LOOK_AGAIN) > 0) {
            return Result.again(LOOK_AGAIN);
        }
        // Those that are due together come one after the other.
        return Result.again(wait.plusMillis(1000 + kernel.random().nextLong(1 + Math.max(0, wait.toMillis() / 20))));
    }

    /** As it is, but for who else wants the Secret: the older one has it. */
    private CertificateCheck check(Work work) {
        for (Resource<CertificateSpec, CertificateStatus> each : certificates.list()) {
            if (each.namespace().equals(work.namespace())
                    && !each.name().equals(work.certificate.name())
                    && !each.deleting()
                    && each.spec().secretName().equals(work.spec().secretName())
                    && older(each, work.certificate)) {
                return new CertificateCheck(
                        false,
                        false,
                        "DuplicateSecretName",
                        "spec.secretName: Certificate " + each.name() + ", which is older, has the Secret "
                                + work.spec().secretName() + ", too; name another one",
                        null);
            }
        }
        ObjectNode secret = work.resources
                .get(Accounts.SECRETS, work.namespace(), work.spec().secretName())
                .orElse(null);
        return CertificateCheck.of(work.spec(), secret, work.now);
    }

    private static boolean older(Resource<?, ?> one, Resource<?, ?> other) {
        String first = one.tree().path("metadata").path("creationTimestamp").asText("");
        String second = other.tree().path("metadata").path("creationTimestamp").asText("");
        return first.equals(second) ? one.name().compareTo(other.name()) < 0 : first.compareTo(second) < 0;
    }

    /** When it may be ordered again. A spec that changed is another order. */
    private static Instant next(Work work, CertificateCheck check) {
        Instant failed = work.status.lastFailureTime();
        Condition before = work.condition("Issuing")
                .filter(each -> Objects.equals(each.observedGeneration(), work.certificate.generation()))
                .orElse(null);
        if (before == null) {
            return Instant.MIN;
        }
        Instant over = before.lastTransitionTime();
        if (failed == null && over != null && check.changed()) {
            return over.plus(LEAST_BETWEEN);
        }
        return failed == null
                ? Instant.MIN
                : failed.plus(FIRST_WAIT.multipliedBy(1L << Math.clamp(work.status.failures() - 1, 0, MOST_DOUBLINGS)));
    }

    // ---- an order

    private Result issue(Work work, CertificateCheck check) throws GeneralSecurityException {
        if (check.reason().equals("DuplicateSecretName") || check.reason().equals("SecretMismatch")) {
            return failed(work, check, check.message());
        }
        KeyPair keys = nextKey(work, check);
        String name = orderName(work);
        Optional<Resource<OrderSpec, OrderStatus>> order = orders.get(new Key(work.namespace(), name));
        if (order.isEmpty()) {
            removeOthers(work, name);
            create(work, name, keys);
            write(work, check, null, nextKeyName(work));
            return Result.again(MISSED);
        }
        OrderStatus status = order.get().status();
        if (status != null && status.failed()) {
            return failed(work, check, status.reason() == null ? "the order failed" : status.reason());
        }
        String chain = status == null ? null : status.certificate();
        if (chain == null) {
            write(work, check, null, nextKeyName(work));
            return Result.again(LOOK_AGAIN);
        }
        return finish(work, check, chain, keys);
    }

    /** The same until it has failed, succeeded or been asked for otherwise. */
    private static String orderName(Work work) {
        CertificateSpec spec = work.spec();
        return Owners.named(
                work.certificate.name(),
                Integer.toString(work.status.revisionOrNone() + 1),
                work.certificate.uid()
                        + spec.dnsNames()
                        + spec.issuerRef()
                        + spec.duration()
                        + spec.key()
                        + work.status.lastFailureTime());
    }

    private static String nextKeyName(Work work) {
        return Owners.named(work.certificate.name(), "", "next private key of " + work.certificate.uid());
    }

    /** The key of the certificate that is being ordered: kept, or made and kept. */
    private KeyPair nextKey(Work work, CertificateCheck check) throws GeneralSecurityException {
        CertificateSpec.PrivateKey wanted = work.spec().key();
        String name = nextKeyName(work);
        ObjectNode known =
                work.resources.get(Accounts.SECRETS, work.namespace(), name).orElse(null);
        if (known != null && Owners.owns(work.certificate, known)) {
            KeyPair keys = PrivateKeys.read(CertificateCheck.entry(known, KEY_ENTRY));
            if (PrivateKeys.fits(keys.getPublic(), wanted)) {
                return keys;
            }
        }
        if (known != null) {
            boolean _ = work.resources.delete(Accounts.SECRETS, work.namespace(), name);
        }
        KeyPair keys = wanted.kept() && check.held() != null ? present(work) : null;
        KeyPair made = keys == null || !PrivateKeys.fits(keys.getPublic(), wanted)
                ? PrivateKeys.make(wanted, kernel.secureRandom())
                : keys;
        ObjectNode secret = JsonNodeFactory.instance.objectNode();
        secret.put("apiVersion", "v1").put("kind", "Secret").put("type", "Opaque");
        secret.putObject("metadata")
                .put("namespace", work.namespace())
                .put("name", name)
                .putObject("labels")
                .put(NEXT_KEY_LABEL, "true");
        Owners.own(secret, work.certificate);
        secret.putObject("data").put(KEY_ENTRY, base64(Pem.encode(made.getPrivate())));
        ObjectNode _ = work.resources.create(Accounts.SECRETS, secret);
        return made;
    }

    private static KeyPair present(Work work) throws GeneralSecurityException {
        ObjectNode secret = work.resources
                .get(Accounts.SECRETS, work.namespace(), work.spec().secretName())
                .orElseThrow();
        return PrivateKeys.read(CertificateCheck.entry(secret, KEY_ENTRY));
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.US_ASCII));
    }

    private void create(Work work, String name, KeyPair keys) throws GeneralSecurityException {
        CertificateSpec spec = work.spec();
        ObjectNode order = JsonNodeFactory.instance.objectNode();
        order.put("apiVersion", CertificateKinds.ORDER.type().apiVersion()).put("kind", "Order");
        order.putObject("metadata").put("namespace", work.namespace()).put("name", name);
        order.withObject("/metadata/annotations").put(CertificateCheck.CERTIFICATE_NAME, work.certificate.name());
        Owners.own(order, work.certificate);
        order.set(
                "spec",
                RecordMapper.fromRecord(new OrderSpec(
                        base64(PrivateKeys.request(spec.dnsNames(), keys, kernel.secureRandom())),
                        spec.issuerRef(),
                        spec.dnsNames(),
                        spec.duration())));
        try {
            ObjectNode _ = work.resources.create(CertificateKinds.ORDER.type(), order);
        } catch (ApiException e) {
            // The copy of it here may be late.
            if (e.code() != 409) {
                throw e;
            }
        }
    }

    private void removeOthers(Work work, String name) {
        for (Resource<OrderSpec, OrderStatus> each : orders.list()) {
            if (each.namespace().equals(work.namespace())
                    && !each.name().equals(name)
                    && Owners.owns(work.certificate, each.tree())) {
                boolean _ = work.resources.delete(CertificateKinds.ORDER.type(), each.namespace(), each.name());
            }
        }
    }

    private Result finish(Work work, CertificateCheck check, String chain, KeyPair keys)
            throws GeneralSecurityException {
        String pem = new String(Base64.getDecoder().decode(chain), StandardCharsets.US_ASCII);
        if (!Pem.certificates(pem).getFirst().getPublicKey().equals(keys.getPublic())) {
            return failed(work, check, "the ACME server certified another key than it was asked to");
        }
        ObjectNode secret = secret(work, pem, keys);
        CertificateCheck got = CertificateCheck.of(work.spec(), secret, work.now);
        if (got.issue()) {
            return failed(
                    work,
                    check,
                    "what the ACME server issued would be ordered again at once (" + got.reason() + "): "
                            + got.message());
        }
        put(work, secret);
        metrics.issuances.labelValues("issued").inc();
        write(
                work,
                check(work),
                Condition.of("Issuing", false, "Issued", "the certificate was issued"),
                null,
                new Outcome(work.status.revisionOrNone() + 1, null, null));
        boolean _ = work.resources.delete(Accounts.SECRETS, work.namespace(), nextKeyName(work));
        work.resources.event(
                work.certificate.tree(), "Normal", "Issuing", "The certificate has been successfully issued");
        return Result.again(MISSED);
    }

    private static ObjectNode secret(Work work, String chain, KeyPair keys) {
        CertificateSpec spec = work.spec();
        ObjectNode secret = JsonNodeFactory.instance.objectNode();
        secret.put("apiVersion", "v1").put("kind", "Secret").put("type", "kubernetes.io/tls");
        ObjectNode metadata = secret.putObject("metadata");
        metadata.put("namespace", work.namespace()).put("name", spec.secretName());
        metadata.putObject("labels").put(MADE_LABEL, "true");
        metadata.putObject("annotations")
                .put(CertificateCheck.CERTIFICATE_NAME, work.certificate.name())
                .put(CertificateCheck.ISSUER_NAME, spec.issuerRef().name())
                .put(CertificateCheck.ISSUER_KIND, spec.issuerRef().kindOrDefault())
                .put(CertificateCheck.ISSUER_GROUP, CertificateKinds.GROUP)
                .put("cert-manager.io/alt-names", String.join(",", spec.dnsNames()));
        secret.putObject("data").put("tls.crt", base64(chain)).put(KEY_ENTRY, base64(Pem.encode(keys.getPrivate())));
        return secret;
    }

    /** Puts it in the Secret; what else is in that stays. */
    private static void put(Work work, ObjectNode secret) {
        CertificateSpec spec = work.spec();
        ResourceClient resources = work.resources;
        ObjectNode _ = resources
                        .get(Accounts.SECRETS, work.namespace(), spec.secretName())
                        .isPresent()
                ? resources.mergePatch(Accounts.SECRETS, work.namespace(), spec.secretName(), null, secret)
                : resources.create(Accounts.SECRETS, secret);
    }

    private Result failed(Work work, CertificateCheck check, String why) {
        metrics.issuances.labelValues("failed").inc();
        int failures = work.status.failures() + 1;
        String message = "the certificate was not issued, " + failures + (failures == 1 ? " time: " : " times: ") + why;
        write(
                work,
                check,
                Condition.of("Issuing", false, "Failed", message),
                null,
                new Outcome(work.status.revision(), Instant.ofEpochSecond(work.now.getEpochSecond()), failures));
        boolean _ = work.resources.delete(Accounts.SECRETS, work.namespace(), nextKeyName(work));
        work.resources.event(work.certificate.tree(), "Warning", "Failed", message);
        return Result.again(MISSED);
    }

    // ---- its status

    /** What of the status changes only when an order is over. */
    private record Outcome(
            @Nullable Integer revision,
            @Nullable Instant lastFailure,
            @Nullable Integer failures) {}

    /** While nothing is over. */
    private static void write(
            Work work, CertificateCheck check, @Nullable Condition issuing, @Nullable String nextKey) {
        CertificateStatus before = work.status;
        write(
                work,
                check,
                issuing,
                nextKey,
                new Outcome(before.revision(), before.lastFailureTime(), before.failedIssuanceAttempts()));
    }

    private static void write(
            Work work, CertificateCheck check, @Nullable Condition issuing, @Nullable String nextKey, Outcome outcome) {
        long generation = work.certificate.generation();
        List<Condition> conditions = Condition.set(
                work.status.conditions(),
                Condition.of("Ready", check.ready(), check.reason(), check.message())
                        .withGeneration(generation),
                work.now);
        if (issuing != null) {
            conditions = Condition.set(conditions, issuing.withGeneration(generation), work.now);
        }
        CertificateCheck.Held held = check.held();
        boolean _ = new StatusWriter(work.resources)
                .write(
                        work.certificate,
                        new CertificateStatus(
                                conditions,
                                held == null ? null : held.notBefore(),
                                held == null ? null : held.notAfter(),
                                held == null ? null : held.renewal(),
                                outcome.revision,
                                nextKey,
                                outcome.lastFailure,
                                outcome.failures));
    }
}
