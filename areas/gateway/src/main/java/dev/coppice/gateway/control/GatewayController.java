package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Controller;
import dev.coppice.control.ExtensionContext;
import dev.coppice.control.Informer;
import dev.coppice.control.Key;
import dev.coppice.control.Kind;
import dev.coppice.control.Resource;
import dev.coppice.gateway.DataPlane.Binding;
import dev.coppice.gateway.GatewayOptions;
import dev.coppice.gateway.Traffic;
import dev.coppice.gateway.authentication.SessionEnds;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.kind.CertificateKinds;
import dev.coppice.gateway.kind.ChallengeStatus;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.gateway.mesh.ServiceAddresses;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the data plane at what the resources say: changes that come together are translated together, applied, saved, and told in
 * statuses. A translation that fails leaves served what was served.
 */
public final class GatewayController implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(GatewayController.class.getName());
    /** Changes within this time are one. */
    private static final Duration TOGETHER = Duration.ofMillis(10);

    private static final Duration RETRY = Duration.ofSeconds(5);
    private static final Duration BETWEEN_SAVES = Duration.ofSeconds(1);
    /** What is done for Services, as {@link #wakers} know it. */
    private static final String SERVICE_ADDRESS = "Service address";

    private static final String GATEWAY_SERVICE = "Service of a Gateway";

    private static final Duration LOOK_FOR_CHALLENGES = Duration.ofMinutes(1);

    private final ExtensionContext context;
    private final Kernel kernel;
    private final Traffic traffic;
    private final BooleanSupplier tells;
    private final Translation translation;
    private final ControlMetrics metrics;
    private final List<AutoCloseable> observers = new CopyOnWriteArrayList<>();
    private final Map<Kind<?, ?>, Informer<?, ?>> informers = Collections.synchronizedMap(new IdentityHashMap<>());
    private final Map<String, Consumer<Key>> wakers = new ConcurrentHashMap<>();
    private final Signal changes;
    private final Signal saves;
    private final boolean servesServices;
    private volatile Map<Translation.ObjectId, Draft> drafts = Map.of();
    private volatile Map<Key, ServiceAddresses.Outcome> services = Map.of();
    /** Null before it is known. */
    private volatile @Nullable Map<Key, GatewayService> gatewayServices;

    /** Ports of Services that could not be opened, as they were told. */
    private Set<Binding> unopened = Set.of();

    private Map<String, String> addresses = Map.of();
    private volatile @Nullable EndedSessionReconciler endedSessions;
    private @Nullable GatewayConfig applied;
    private @Nullable ClusterCopy cluster;
    private final AtomicReference<@Nullable GatewayConfig> unsaved = new AtomicReference<>();

    /** @param tells whether statuses are written here now, or by another process that serves the same resources */
    public GatewayController(ExtensionContext context, GatewayOptions options, Traffic traffic, BooleanSupplier tells) {
        this.context = context;
        this.kernel = context.kernel();
        this.traffic = traffic;
        this.tells = tells;
        this.servesServices = options.serviceRange() != null;
        this.translation = new Translation(options);
        translation.resume(traffic.served());
        this.metrics = new ControlMetrics(kernel.metrics());
        this.changes = new Signal(kernel.timers());
        this.saves = new Signal(kernel.timers());
    }

    /** Makes the kinds known, waits for their objects, and begins. */
    public void start() throws StartException {
        GatewayKinds.all().forEach(context::register);
        makeClass();
        tellEndedSessions();
        ClusterCopy copy = new ClusterCopy(context, metrics, this::changed, () -> changes.raiseLater(RETRY));
        cluster = copy;
        GatewayKinds.all().forEach(this::observe);
        observeChallenges();
        // What is read and compiled on the way of traffic is known later.
        traffic.whenFunctionsChange(this::changed);
        writers();
        context.supervisor().start(ChildSpec.task("saving", this::save));
        context.supervisor().start(ChildSpec.task("translation", () -> {
            changes.raise();
            while (true) {
                changes.await();
                round(copy);
            }
        }));
    }

    private void changed() {
        changes.raiseSoon(TOGETHER);
    }

    private <S extends Record, T extends Record> void observe(Kind<S, T> kind) {
        Informer<S, T> informer = context.informer(kind);
        informers.put(kind, informer);
        observers.add(informer.observe((before, after) -> {
            // Statuses, which are written here, change nothing.
            boolean same = before.isPresent()
                    && after.isPresent()
                    && before.get().uid().equals(after.get().uid())
                    && before.get().generation() == after.get().generation()
                    && before.get().deleting() == after.get().deleting()
                    && ended(before.get()) == ended(after.get());
            if (!same) {
                changed();
            }
        }));
    }

    /**
     * Challenges are there only where Coppice orders certificates. Those of the same name in other clusters are cert-manager's, which shows them by
     * routes.
     */
    private void observeChallenges() throws StartException {
        if (!challengesServed()) {
            context.supervisor()
                    .start(ChildSpec.task("challenges", () -> {
                                while (!seeChallenges()) {
                                    kernel.timers().sleep(LOOK_FOR_CHALLENGES);
                                }
                                observe(CertificateKinds.CHALLENGE);
                            })
                            .withRestart(ChildSpec.Restart.TRANSIENT));
            return;
        }
        observe(CertificateKinds.CHALLENGE);
    }

    private boolean seeChallenges() {
        try {
            return challengesServed();
        } catch (ApiException e) {
            // The API is away; what follows it complains of that.
            return false;
        }
    }

    private boolean challengesServed() {
        return context.resources().types().stream()
                .anyMatch(each -> each.type().equals(CertificateKinds.CHALLENGE.type())
                        && each.categories().contains("coppice"));
    }

    /** Of all statuses, only those of challenges say what is to be served. */
    private static boolean ended(Resource<?, ?> resource) {
        return resource.status() instanceof ChallengeStatus status && status.ended();
    }

    private void writers() {
        for (Kind<?, ?> kind : GatewayKinds.all()) {
            if (kind != GatewayKinds.REFERENCE_GRANT) {
                writer(kind);
            }
        }
        if (servesServices) {
            ServiceAddressReconciler addresses =
                    new ServiceAddressReconciler(key -> tells.getAsBoolean() ? services.get(key) : null);
            context.start(Controller.of("serviceaddress", CoreKinds.SERVICE, addresses)
                    .withParallelism(2)
                    .wokenBy(waker -> wakers.put(SERVICE_ADDRESS, waker)));
        }
        GatewayServiceReconciler standing = new GatewayServiceReconciler(
                key -> Objects.requireNonNullElse(gatewayServices, Map.<Key, GatewayService>of())
                        .get(key),
                () -> gatewayServices != null && tells.getAsBoolean());
        context.start(Controller.of("gatewayservice", CoreKinds.SERVICE, standing)
                .withParallelism(2)
                .wokenBy(waker -> wakers.put(GATEWAY_SERVICE, waker)));
    }

    /** Begins before anything else is served: what others have ended is to count for it. */
    private void tellEndedSessions() {
        SessionEnds ends = traffic.sessionEnds();
        if (ends == null) {
            return;
        }
        context.register(GatewayKinds.ENDED_SESSION);
        EndedSessionReconciler reconciler = new EndedSessionReconciler(
                ends, context.informer(GatewayKinds.ENDED_SESSION), kernel.clock(), tells, metrics.untold::set);
        context.start(Controller.of("endedsession", GatewayKinds.ENDED_SESSION, reconciler)
                .wokenBy(reconciler::begin));
        endedSessions = reconciler;
    }

    private <S extends Record, T extends Record> void writer(Kind<S, T> kind) {
        StatusReconciler<S, T> reconciler = new StatusReconciler<>(
                key -> tells.getAsBoolean() ? drafts.get(Translation.ObjectId.of(kind, key)) : null, kernel.clock());
        context.start(Controller.of(kind.kind().toLowerCase(java.util.Locale.ROOT), kind, reconciler)
                .withParallelism(2)
                .wokenBy(waker -> wakers.put(kind.kind(), waker)));
    }

    private void round(ClusterCopy copy) {
        try {
            long start = kernel.clock().nanoTime();
            copy.begin();
            Translation.Result result = translation.translate(snapshot(copy), addresses);
            copy.end();
            metrics.translation.observe((kernel.clock().nanoTime() - start) * 1e-9);
            addresses = result.addresses();
            metrics.filterCharacters.set(result.filterCharacters());
            Map<Binding, String> failures = apply(result.config());
            tell(result.statuses().with(failures, traffic.functions()));
            tellServices(copy, result, failures);
        } catch (RuntimeException e) {
            metrics.failures.labelValues("translate").inc();
            LOG.log(Level.ERROR, "the resources could not be translated; what was served before is served on", e);
            changes.raiseLater(RETRY);
        }
    }

    private Map<Binding, String> apply(GatewayConfig config) {
        if (config.equals(applied)) {
            return Map.of();
        }
        long start = kernel.clock().nanoTime();
        Map<Binding, String> failures = traffic.apply(config);
        metrics.apply.observe((kernel.clock().nanoTime() - start) * 1e-9);
        metrics.objects.labelValues("listeners").set(config.listeners().size());
        metrics.objects
                .labelValues("routes")
                .set(config.listeners().stream()
                        .mapToInt(each -> each.routes().size())
                        .sum());
        metrics.objects.labelValues("upstreams").set(config.upstreams().size());
        if (servesServices) {
            metrics.objects
                    .labelValues("service_listeners")
                    .set(config.listeners().stream()
                            .filter(ListenerConfig::ofService)
                            .count());
        }
        if (failures.isEmpty()) {
            applied = config;
        } else {
            applied = null;
            metrics.failures.labelValues("apply").inc();
            changes.raiseLater(RETRY);
        }
        unsaved.set(config);
        saves.raise();
        return failures;
    }

    private void tell(Map<Translation.ObjectId, Draft> now) {
        Map<Translation.ObjectId, Draft> before = drafts;
        drafts = now;
        now.forEach((id, draft) -> {
            if (!draft.equals(before.get(id))) {
                wake(id);
            }
        });
    }

    private void tellServices(ClusterCopy copy, Translation.Result result, Map<Binding, String> failures) {
        Map<Key, ServiceAddresses.Outcome> before = services;
        Map<Key, ServiceAddresses.Outcome> now = result.services();
        services = now;
        now.forEach((key, outcome) -> {
            if (!outcome.equals(before.get(key))) {
                wake(new Translation.ObjectId(SERVICE_ADDRESS, key));
            }
        });
        tellGatewayServices(result.gatewayServices());
        Set<Binding> failed = new HashSet<>();
        for (ListenerConfig each : result.config().listeners()) {
            String failure = each.ofService() ? failures.get(Binding.of(each)) : null;
            if (failure != null && failed.add(Binding.of(each)) && !unopened.contains(Binding.of(each))) {
                LOG.log(
                        Level.WARNING,
                        "{0}: port {1} of {2}: {3}",
                        each.gateway(),
                        Integer.toString(each.port()),
                        each.address(),
                        failure);
                if (tells.getAsBoolean()) {
                    copy.service(ServiceParents.key(each))
                            .ifPresent(service -> context.resources()
                                    .event(
                                            service,
                                            "Warning",
                                            "PortNotOpened",
                                            "port " + each.port() + " of " + each.address() + " cannot be opened: "
                                                    + failure + "; it is tried again"));
                }
            }
        }
        // After a round that changed nothing nobody knows of failures.
        if (!failures.isEmpty() || result.config().equals(applied)) {
            unopened = failed;
        }
    }

    private void tellGatewayServices(Map<Key, GatewayService> now) {
        Map<Key, GatewayService> before = gatewayServices;
        gatewayServices = now;
        if (before == null) {
            wakeGatewayServices();
            return;
        }
        Set<Key> changed = new HashSet<>(now.keySet());
        changed.addAll(before.keySet());
        changed.removeIf(each -> Objects.equals(before.get(each), now.get(each)));
        changed.forEach(each -> wake(new Translation.ObjectId(GATEWAY_SERVICE, each)));
    }

    /** Those that are wanted, and all that there are: a Gateway may have ceased to want one while nobody looked. */
    private void wakeGatewayServices() {
        Set<Key> all = new HashSet<>(Objects.requireNonNullElse(gatewayServices, Map.<Key, GatewayService>of())
                .keySet());
        context.informer(CoreKinds.SERVICE).list().forEach(each -> all.add(each.key()));
        all.forEach(each -> wake(new Translation.ObjectId(GATEWAY_SERVICE, each)));
    }

    /** Has every status compared with what it should be, as after another process wrote them. */
    public void tellAll() {
        drafts.keySet().forEach(this::wake);
        services.keySet().forEach(key -> wake(new Translation.ObjectId(SERVICE_ADDRESS, key)));
        if (gatewayServices != null) {
            wakeGatewayServices();
        }
        EndedSessionReconciler ended = endedSessions;
        if (ended != null) {
            ended.changed();
        }
    }

    private void wake(Translation.ObjectId id) {
        Consumer<Key> waker = wakers.get(id.kind());
        if (waker != null) {
            waker.accept(id.key());
        }
    }

    private void save() throws InterruptedException {
        while (true) {
            saves.await();
            write();
            // Whatever comes meanwhile is written together.
            saves.pause(BETWEEN_SAVES);
        }
    }

    private void write() {
        @Nullable GatewayConfig config = unsaved.getAndSet(null);
        if (config == null) {
            return;
        }
        try {
            traffic.saved().write(config);
        } catch (IOException e) {
            metrics.failures.labelValues("save").inc();
            // A newer one goes before it.
            boolean _ = unsaved.compareAndSet(null, config);
            saves.raiseLater(RETRY);
            LOG.log(Level.WARNING, "the configuration was not saved; a restart begins with an older one", e);
        }
    }

    private Snapshot snapshot(ClusterCopy copy) {
        return new Snapshot(
                list(GatewayKinds.GATEWAY_CLASS),
                list(GatewayKinds.GATEWAY),
                list(GatewayKinds.LISTENER_SET),
                list(GatewayKinds.HTTP_ROUTE),
                list(GatewayKinds.GRPC_ROUTE),
                list(GatewayKinds.TLS_ROUTE),
                list(GatewayKinds.TCP_ROUTE),
                list(GatewayKinds.UDP_ROUTE),
                list(GatewayKinds.REFERENCE_GRANT),
                list(GatewayKinds.BACKEND_TLS_POLICY),
                list(GatewayKinds.BACKEND_TRAFFIC_POLICY),
                list(GatewayKinds.CLIENT_TRAFFIC_POLICY),
                list(GatewayKinds.GRPC_POLICY),
                list(GatewayKinds.RATE_LIMIT),
                list(GatewayKinds.SECURITY_POLICY),
                list(GatewayKinds.OBSERVABILITY_POLICY),
                list(GatewayKinds.CONTENT_POLICY),
                list(GatewayKinds.HTTP_ROUTE_FILTER),
                list(CertificateKinds.CHALLENGE),
                copy);
    }

    @SuppressWarnings("unchecked") // each was put with its kind
    private <S extends Record, T extends Record> List<Resource<S, T>> list(Kind<S, T> kind) {
        Informer<S, T> informer = (Informer<S, T>) informers.get(kind);
        return informer == null ? List.of() : informer.list();
    }

    /** Makes the class {@code coppice} when there is none. */
    private void makeClass() {
        ObjectNode made = JsonNodeFactory.instance.objectNode();
        made.put("apiVersion", "gateway.networking.k8s.io/v1").put("kind", "GatewayClass");
        made.putObject("metadata").put("name", "coppice");
        made.putObject("spec")
                .put("controllerName", Translation.CONTROLLER)
                .put("description", "Gateways that Coppice serves on this machine");
        try {
            if (context.resources()
                    .get(GatewayKinds.GATEWAY_CLASS.type(), "", "coppice")
                    .isEmpty()) {
                ObjectNode _ = context.resources().create(GatewayKinds.GATEWAY_CLASS.type(), made);
            }
        } catch (ApiException e) {
            if (e.code() != 409) {
                throw e;
            }
        }
    }

    @Override
    public void close() throws Exception {
        traffic.whenFunctionsChange(() -> {});
        EndedSessionReconciler ended = endedSessions;
        if (ended != null) {
            ended.close();
        }
        for (AutoCloseable observer : observers) {
            observer.close();
        }
        if (cluster != null) {
            cluster.close();
        }
        write();
        metrics.close();
    }
}
