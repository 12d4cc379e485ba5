package dev.coppice.gateway.acme;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Controller;
import dev.coppice.control.ExtensionContext;
import dev.coppice.control.Informer;
import dev.coppice.control.Key;
import dev.coppice.control.ResourceClient.EventType;
import dev.coppice.control.ResourceClient.Query;
import dev.coppice.control.runtime.Reflector;
import dev.coppice.gateway.kind.CertificateKinds;
import dev.coppice.gateway.kind.CertificateSpec;
import dev.coppice.gateway.kind.CertificateStatus;
import dev.coppice.gateway.kind.ChallengeSpec;
import dev.coppice.gateway.kind.ChallengeStatus;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.gateway.kind.OrderSpec;
import dev.coppice.gateway.kind.OrderStatus;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.probe.AddressPolicy;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The controllers of cert-manager's kinds. Safe for use by many threads. */
public final class CertificateControl implements AutoCloseable {
    /** Steps at one time, for each of orders and challenges. They wait for servers, on virtual threads. */
    private static final int AT_ONCE = 32;

    /** Orders of one issuer among them: the requests of an account go one after the other in any case, since each has the nonce of the one before. */
    static final int ORDERS_OF_ISSUER = 1;

    /** Challenges of one issuer among them, which wait for Gateways, too. */
    static final int CHALLENGES_OF_ISSUER = 4;

    /** Certificates at one time, whose keys are made. */
    private static final int KEYS_AT_ONCE = 4;

    /** Issuers at one time: each of them may be one whose server does not answer. */
    private static final int ISSUERS_AT_ONCE = 16;

    private final Accounts accounts;
    private final CertificateMetrics metrics;
    private volatile @Nullable Consumer<Key> waker;

    private CertificateControl(ExtensionContext context) throws StartException {
        Kernel kernel = context.kernel();
        this.accounts = new Accounts(kernel, context.resources(), AddressPolicy.STRICT::refusal);
        this.metrics = new CertificateMetrics(kernel.metrics());
    }

    /** Makes the kinds known, and begins. */
    public static CertificateControl start(ExtensionContext context) throws StartException {
        // Whoever serves Gateways may start later, or elsewhere.
        context.register(GatewayKinds.GATEWAY);
        context.register(GatewayKinds.LISTENER_SET);
        CertificateKinds.all().forEach(context::register);
        CertificateControl made = new CertificateControl(context);
        try {
            made.controllers(context);
            return made;
        } catch (StartException | RuntimeException e) {
            made.close();
            throw e;
        }
    }

    private void controllers(ExtensionContext context) throws StartException {
        Kernel kernel = context.kernel();
        Issuers issuers = new Issuers(
                context.informer(CertificateKinds.ISSUER), context.informer(CertificateKinds.CLUSTER_ISSUER));
        Informer<CertificateSpec, CertificateStatus> certificates = context.informer(CertificateKinds.CERTIFICATE);
        Informer<OrderSpec, OrderStatus> orders = context.informer(CertificateKinds.ORDER);
        Informer<ChallengeSpec, ChallengeStatus> challenges = context.informer(CertificateKinds.CHALLENGE);
        Presence presence = new Presence(
                kernel, context.informer(GatewayKinds.GATEWAY), context.informer(GatewayKinds.LISTENER_SET));
        context.start(Controller.of("issuer", CertificateKinds.ISSUER, new IssuerReconciler(kernel, accounts, metrics))
                .withParallelism(ISSUERS_AT_ONCE));
        context.start(Controller.of(
                        "clusterissuer",
                        CertificateKinds.CLUSTER_ISSUER,
                        new IssuerReconciler(kernel, accounts, metrics))
                .withParallelism(ISSUERS_AT_ONCE));
        context.start(Controller.of(
                        "challenge",
                        CertificateKinds.CHALLENGE,
                        new ChallengeReconciler(kernel, issuers, accounts, presence, metrics))
                .withParallelism(AT_ONCE));
        context.start(Controller.of(
                        "order",
                        CertificateKinds.ORDER,
                        new OrderReconciler(kernel, issuers, accounts, challenges, metrics))
                .withParallelism(AT_ONCE)
                .watching(CertificateKinds.CHALLENGE.type(), each -> Owners.of(CertificateKinds.ORDER, each)));
        context.start(Controller.of(
                        "certificate",
                        CertificateKinds.CERTIFICATE,
                        new CertificateReconciler(kernel, certificates, orders, metrics))
                .withParallelism(KEYS_AT_ONCE)
                .watching(CertificateKinds.ORDER.type(), each -> Owners.of(CertificateKinds.CERTIFICATE, each))
                .wokenBy(wake -> waker = wake));
        context.start(Controller.of("gateway-certificates", GatewayKinds.GATEWAY, new GatewayCertificates(certificates))
                .withParallelism(1)
                .watching(CertificateKinds.CERTIFICATE.type(), each -> Owners.of(GatewayKinds.GATEWAY, each)));
        Reflector secrets = new Reflector(
                kernel,
                context.resources(),
                Accounts.SECRETS,
                new Query("", CertificateReconciler.MADE_LABEL + "=true", ""),
                new Secrets());
        Supervisor.Child _ = context.supervisor().start(ChildSpec.task("secrets", secrets));
    }

    /** Only the Secrets that were made here, whose Certificates look at them again when they change. */
    private final class Secrets implements Reflector.Sink {
        @Override
        public void replace(List<ObjectNode> objects) {
            objects.forEach(each -> changed(EventType.MODIFIED, each));
        }

        @Override
        public void changed(EventType type, ObjectNode secret) {
            Consumer<Key> wake = waker;
            String name = secret.at("/metadata/annotations")
                    .path(CertificateCheck.CERTIFICATE_NAME)
                    .asText("");
            if (wake != null && !name.isEmpty()) {
                wake.accept(new Key(secret.at("/metadata/namespace").asText(), name));
            }
        }
    }

    @Override
    public void close() {
        metrics.close();
    }
}
