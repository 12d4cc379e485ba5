package dev.coppice.gateway;

import dev.coppice.control.Extension;
import dev.coppice.control.ExtensionContext;
import dev.coppice.control.Kind;
import dev.coppice.control.Permission;
import dev.coppice.gateway.control.GatewayController;
import dev.coppice.gateway.explain.ExplainHandler;
import dev.coppice.gateway.kind.CertificateKinds;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.gateway.page.GatewayPage;
import dev.coppice.gateway.page.TrafficWatch;
import dev.coppice.gateway.share.LimitPeers;
import dev.coppice.gateway.share.LimitSharing;
import dev.coppice.gateway.tap.TapHandler;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.serving.Page;
import dev.coppice.serving.Routes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The gateway area: traffic of this machine's addresses, routed by the resources of Kubernetes' Gateway API.
 *
 * <p>On several nodes it runs on the leader, or on each of them, of which the leader writes statuses. Under {@code DATA/areas/gateway} it keeps what it served last, and serves that from its
 * start on, until the resources have been read. A process of its own for the gateway opens its {@link Traffic} itself.
 */
public final class GatewayExtension implements Extension {
    private static final SupervisorOptions PATIENT =
            SupervisorOptions.DEFAULT.withIntensity(1000, Duration.ofSeconds(10));

    /** As long as requests that are under way may take when the area ends. */
    private static final Duration DRAIN = Duration.ofSeconds(5);

    private final GatewayOptions options;
    private final Traffic.DataPlaneFactory factory;
    private final @Nullable Traffic shared;
    private final BooleanSupplier tells;
    private final List<Routes.Mount> mounts = new ArrayList<>();
    private @Nullable Traffic own;
    private @Nullable LimitPeers peers;
    private volatile @Nullable GatewayController controller;

    private GatewayExtension(
            GatewayOptions options, Traffic.DataPlaneFactory factory, @Nullable Traffic shared, BooleanSupplier tells) {
        this.options = options;
        this.factory = factory;
        this.shared = shared;
        this.tells = tells;
    }

    public GatewayExtension(GatewayOptions options, Traffic.DataPlaneFactory factory) {
        this(options, factory, null, () -> true);
    }

    /** With the data plane of this version. */
    public GatewayExtension(GatewayOptions options) {
        this(options, Traffic.proxy(options));
    }

    /**
     * One of several that serve the same resources, each with traffic of its own.
     *
     * @param tells whether this one writes their statuses now
     */
    public GatewayExtension(GatewayOptions options, BooleanSupplier tells) {
        this(options, Traffic.proxy(options), null, tells);
    }

    /**
     * Controls traffic that was there before, and goes on when this stops.
     *
     * @param tells whether this process, of several that serve the same resources, writes their statuses now
     */
    public GatewayExtension(GatewayOptions options, Traffic traffic, BooleanSupplier tells) {
        this(options, Traffic.proxy(options), traffic, tells);
    }

    @Override
    public String name() {
        return "gateway";
    }

    @Override
    public List<Permission> permissions() {
        List<Permission> all = new ArrayList<>();
        for (Kind<?, ?> kind : GatewayKinds.all()) {
            all.addAll(Permission.ofController(kind));
        }
        all.add(Permission.cluster(GatewayKinds.GROUP, "gatewayclasses", "create"));
        all.add(Permission.cluster(
                GatewayKinds.POLICY_GROUP,
                GatewayKinds.ENDED_SESSION.plural(),
                "get",
                "list",
                "watch",
                "create",
                "update",
                "delete"));
        all.add(Permission.namespaced("", "services", "get", "list", "watch"));
        all.add(Permission.namespaced("", "services", "create", "patch", "delete"));
        all.add(Permission.namespaced("", "services/status", "patch"));
        all.add(Permission.namespaced("discovery.k8s.io", "endpointslices", "get", "list", "watch"));
        all.add(Permission.namespaced("health.coppice.dev", "healthchecks", "get", "list", "watch"));
        all.add(Permission.namespaced(CertificateKinds.ACME_GROUP, "challenges", "get", "list", "watch"));
        all.add(Permission.cluster("", "namespaces", "get", "list", "watch"));
        all.add(Permission.namespaced("", "secrets", "get", "list", "watch"));
        all.add(Permission.namespaced("", "configmaps", "get", "list", "watch"));
        return List.copyOf(all);
    }

    @Override
    public void start(ExtensionContext context) throws Exception {
        Traffic traffic = shared;
        if (traffic == null) {
            traffic = Traffic.open(
                    context.kernel(),
                    context.supervisor().startSupervisor("traffic", PATIENT),
                    context.dataDirectory(),
                    factory);
            own = traffic;
        }
        mounts.add(context.routes()
                .mount(ExplainHandler.PREFIX, new ExplainHandler(traffic::served, traffic, context.authorizer())));
        mounts.add(context.routes()
                .mount(
                        TapHandler.PATH,
                        new TapHandler(
                                traffic.taps(),
                                context.authorizer(),
                                context.kernel().timers())));
        TrafficWatch watch = new TrafficWatch(context.kernel());
        var _ = context.supervisor()
                .start(ChildSpec.periodic("traffic-watch", TrafficWatch.AT_REST, Duration.ZERO, watch::look));
        mounts.add(context.console()
                .add(new Page(
                        "gateway",
                        "Gateway",
                        "Areas",
                        15,
                        new GatewayPage(context.console(), traffic::served, watch, context.authorizer()))));
        LimitSharing sharing = traffic.limitSharing();
        if (sharing != null) {
            peers = LimitPeers.start(
                    context.distribution(), context.supervisor().startSupervisor("limit-peers", PATIENT), sharing);
        }
        GatewayController made = new GatewayController(context, options, traffic, tells);
        controller = made;
        made.start();
    }

    /** Looks at all statuses again: from now on this process writes them. */
    public void tellAll() {
        GatewayController running = controller;
        if (running != null) {
            running.tellAll();
        }
    }

    @Override
    public void stop() throws Exception {
        for (Routes.Mount mount : mounts.reversed()) {
            mount.close();
        }
        GatewayController running = controller;
        if (running != null) {
            running.close();
        }
        // What ends meanwhile still counts together with others.
        if (own != null) {
            own.drain(DRAIN);
        }
        if (peers != null) {
            peers.close();
        }
        if (own != null) {
            own.close();
        }
    }
}
