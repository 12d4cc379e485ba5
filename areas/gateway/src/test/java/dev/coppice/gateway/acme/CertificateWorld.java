package dev.coppice.gateway.acme;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.coppice.control.Informer;
import dev.coppice.control.Key;
import dev.coppice.control.Kind;
import dev.coppice.control.Reconciler;
import dev.coppice.control.Resource;
import dev.coppice.control.ResourceClient.Query;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.runtime.ExtensionHost;
import dev.coppice.control.runtime.RecordInformer;
import dev.coppice.control.runtime.testing.FakeResourceClient;
import dev.coppice.control.webhook.HttpsCall;
import dev.coppice.gateway.kind.CertificateKinds;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.gateway.kind.OrderSpec;
import dev.coppice.gateway.kind.OrderStatus;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SimulatedClock;
import dev.coppice.schema.Schema;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** Certificates, their issuers and an ACME server, without a cluster; each step is taken by the test. */
final class CertificateWorld implements AutoCloseable {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

    final FakeAcmeServer server = new FakeAcmeServer();
    final SimulatedClock clock;
    final Kernel kernel;
    final FakeResourceClient client;

    /** Which addresses ACME servers may have. */
    HttpsCall.AddressRule addresses = HttpsCall.AddressRule.ANY;

    /** Why no gateway shows a challenge; null: they do. */
    @Nullable
    String away;

    /** By kind and name, what came of the last step. */
    final Map<String, Reconciler.Result> results = new HashMap<>();

    private Reconcilers reconcilers;

    /** What a process has in its memory. */
    private record Reconcilers(
            CertificateMetrics metrics,
            IssuerReconciler issuers,
            CertificateReconciler certificates,
            OrderReconciler orders,
            ChallengeReconciler challenges,
            GatewayCertificates gateways) {}

    CertificateWorld() throws Exception {
        clock = new SimulatedClock(server.now);
        kernel = Kernel.start(clock, 7);
        client = new FakeResourceClient(clock);
        reconcilers = made();
    }

    private Reconcilers made() {
        Accounts accounts = new Accounts(kernel, client, each -> addresses.refusal(each));
        CertificateMetrics metrics = new CertificateMetrics(kernel.metrics());
        Issuers issuers = new Issuers(informer(CertificateKinds.ISSUER), informer(CertificateKinds.CLUSTER_ISSUER));
        Presence presence = new Presence(kernel, informer(GatewayKinds.GATEWAY), informer(GatewayKinds.LISTENER_SET)) {
            @Override
            @Nullable
            String problem(Resource<dev.coppice.gateway.kind.ChallengeSpec, ?> challenge) {
                return away;
            }
        };
        return new Reconcilers(
                metrics,
                new IssuerReconciler(kernel, accounts, metrics),
                new CertificateReconciler(
                        kernel, informer(CertificateKinds.CERTIFICATE), informer(CertificateKinds.ORDER), metrics),
                new OrderReconciler(kernel, issuers, accounts, informer(CertificateKinds.CHALLENGE), metrics),
                new ChallengeReconciler(kernel, issuers, accounts, presence, metrics),
                new GatewayCertificates(informer(CertificateKinds.CERTIFICATE)));
    }

    /** As after the process was killed: what it had in its memory is gone. */
    void restart() {
        reconcilers.metrics.close();
        reconcilers = made();
    }

    <S extends Record, T extends Record> Informer<S, T> informer(Kind<S, T> kind) {
        return new Informer<>() {
            @Override
            public Optional<Resource<S, T>> get(Key key) {
                return client.get(kind.type(), key.namespace(), key.name())
                        .map(each -> RecordInformer.read(kind, each));
            }

            @Override
            public List<Resource<S, T>> list() {
                return all(kind);
            }

            @Override
            public AutoCloseable observe(BiConsumer<Optional<Resource<S, T>>, Optional<Resource<S, T>>> observer) {
                return () -> {};
            }
        };
    }

    <S extends Record, T extends Record> List<Resource<S, T>> all(Kind<S, T> kind) {
        return client.list(kind.type(), Query.ALL).items().stream()
                .map(each -> RecordInformer.read(kind, each))
                .toList();
    }

    /** Creates objects, checked and completed by the schemas of their kinds. */
    void apply(String manifests) throws Exception {
        Map<String, Kind<?, ?>> kinds = new HashMap<>();
        CertificateKinds.all().forEach(each -> kinds.put(each.kind(), each));
        GatewayKinds.all().forEach(each -> kinds.put(each.kind(), each));
        try (var documents = YAML.readerFor(ObjectNode.class).<ObjectNode>readValues(manifests)) {
            while (documents.hasNext()) {
                ObjectNode object = documents.next();
                Kind<?, ?> kind = kinds.get(object.path("kind").asText());
                if (kind == null) {
                    ObjectNode _ = client.create(new ResourceType("", "v1", "secrets"), object);
                    continue;
                }
                object.put("apiVersion", kind.type().apiVersion());
                if (kind.namespaced()) {
                    object.withObject("/metadata").put("namespace", "default");
                }
                List<?> problems = problems(kind, object);
                if (!problems.isEmpty()) {
                    throw new IllegalArgumentException(problems.toString());
                }
                ObjectNode _ = client.create(kind.type(), object);
            }
        }
    }

    static List<?> problems(Kind<?, ?> kind, ObjectNode object) {
        Schema schema = Schema.ofResource(ExtensionHost.definition(kind).at("/spec/versions/0/schema/openAPIV3Schema"));
        schema.applyDefaults(object);
        return schema.validate(object);
    }

    void issuer(String more) throws Exception {
        apply("""
                kind: Issuer
                metadata: {name: acme}
                spec:
                  acme:
                    server: %s
                    caBundle: %s
                    privateKeySecretRef: {name: account}
                    solvers: [{http01: {gatewayHTTPRoute: {}}}]
                %s""".formatted(server.directory(), server.bundle(), more.indent(4)));
    }

    void certificate(String name, String more) throws Exception {
        apply("""
                kind: Certificate
                metadata: {name: %s}
                spec:
                  secretName: %s-tls
                  issuerRef: {name: acme}
                  dnsNames: [%s.example]
                  privateKey: {algorithm: ECDSA}
                %s""".formatted(name, name, name, more.indent(2)));
    }

    // ---- steps

    private <S extends Record, T extends Record> void each(Kind<S, T> kind, Reconciler<S, T> reconciler)
            throws Exception {
        for (Resource<S, T> each : all(kind)) {
            results.put(
                    kind.kind() + " " + each.name(),
                    reconciler.reconcile(new Reconciler.Request<>(each.key(), Optional.of(each), client)));
        }
    }

    /** One order is looked at. */
    Reconciler.Result order(Resource<OrderSpec, OrderStatus> order) throws Exception {
        return reconcilers.orders.reconcile(new Reconciler.Request<>(order.key(), Optional.of(order), client));
    }

    /** Every controller looks at every object once. */
    void round() throws Exception {
        server.now = clock.now();
        each(GatewayKinds.GATEWAY, reconcilers.gateways);
        each(CertificateKinds.ISSUER, reconcilers.issuers);
        each(CertificateKinds.CLUSTER_ISSUER, reconcilers.issuers);
        each(CertificateKinds.CERTIFICATE, reconcilers.certificates);
        each(CertificateKinds.ORDER, reconcilers.orders);
        each(CertificateKinds.CHALLENGE, reconcilers.challenges);
    }

    /** As often as it takes; a second each time. */
    void settle() throws Exception {
        for (int i = 0; i < 15; i++) {
            round();
            clock.advance(Duration.ofSeconds(1));
        }
    }

    // ---- what came of it

    ObjectNode object(Kind<?, ?> kind, String name) {
        return client.get(kind.type(), kind.namespaced() ? "default" : "", name)
                .orElseThrow(() -> new AssertionError("there is no " + kind.kind() + " " + name));
    }

    Optional<ObjectNode> secret(String name) {
        return client.get(Accounts.SECRETS, "default", name);
    }

    /** Such as {@code True/Ready the certificate is …}. */
    String condition(Kind<?, ?> kind, String name, String type) {
        for (var each : object(kind, name).at("/status/conditions")) {
            if (each.path("type").asText().equals(type)) {
                return each.path("status").asText() + "/" + each.path("reason").asText() + " "
                        + each.path("message").asText();
            }
        }
        return "";
    }

    String ready(String certificate) {
        return condition(CertificateKinds.CERTIFICATE, certificate, "Ready");
    }

    String issuing(String certificate) {
        return condition(CertificateKinds.CERTIFICATE, certificate, "Issuing");
    }

    @Override
    public void close() {
        kernel.close();
        server.close();
    }
}
