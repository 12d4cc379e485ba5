package dev.coppice.gateway;

import dev.coppice.control.Extension;
import dev.coppice.control.ExtensionContext;
import dev.coppice.control.Kind;
import dev.coppice.control.Permission;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.control.GatewayController;
import dev.coppice.gateway.control.SavedConfig;
import dev.coppice.gateway.explain.ExplainHandler;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.gateway.page.GatewayPage;
import dev.coppice.gateway.page.TrafficWatch;
import dev.coppice.gateway.proxy.ProxyDataPlane;
import dev.coppice.gateway.proxy.ProxyOptions;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.serving.Page;
import dev.coppice.serving.Routes;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The gateway area: traffic of this machine's addresses, routed by the resources of Kubernetes' Gateway API.
 *
 * <p>On several nodes it runs on the leader. Under {@code DATA/areas/gateway} it keeps what it served last, and serves that from its
 * start on, until the resources have been read.
 */
public final class GatewayExtension implements Extension {
    private static final SupervisorOptions PATIENT =
            SupervisorOptions.DEFAULT.withIntensity(1000, Duration.ofSeconds(10));

    /** The first listener is served so much later at most. */
    private static final Duration WARM_UP = Duration.ofSeconds(3);

    /** Makes what serves the traffic. */
    @FunctionalInterface
    public interface DataPlaneFactory {
        /**
         * Starts a data plane that serves nothing yet.
         *
         * @param supervisor for everything that it runs; it ends with this
         * @param directory for its files
         */
        DataPlane open(Kernel kernel, Supervisor supervisor, Path directory) throws Exception;
    }

    private final GatewayOptions options;
    private final DataPlaneFactory factory;
    private final List<Routes.Mount> mounts = new ArrayList<>();
    private volatile GatewayConfig served = GatewayConfig.EMPTY;
    private @Nullable DataPlane traffic;
    private @Nullable GatewayController controller;

    public GatewayExtension(GatewayOptions options, DataPlaneFactory factory) {
        this.options = options;
        this.factory = factory;
    }

    /** With the data plane of this version. */
    public GatewayExtension(GatewayOptions options) {
        this(
                options,
                (kernel, supervisor, directory) -> new WarmedDataPlane(
                        new ProxyDataPlane(
                                kernel,
                                supervisor,
                                ProxyOptions.DEFAULT.withAccessLog(directory.resolve("access.log"))),
                        kernel,
                        supervisor,
                        WARM_UP));
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
        all.add(Permission.namespaced("", "services", "get", "list", "watch"));
        all.add(Permission.namespaced("discovery.k8s.io", "endpointslices", "get", "list", "watch"));
        all.add(Permission.cluster("", "namespaces", "get", "list", "watch"));
        all.add(Permission.namespaced("", "secrets", "get", "list", "watch"));
        all.add(Permission.namespaced("", "configmaps", "get", "list", "watch"));
        return List.copyOf(all);
    }

    @Override
    public void start(ExtensionContext context) throws Exception {
        DataPlane dataPlane = factory.open(
                context.kernel(), context.supervisor().startSupervisor("traffic", PATIENT), context.dataDirectory());
        traffic = dataPlane;
        DataPlane noted = config -> {
            served = config;
            return dataPlane.apply(config);
        };
        SavedConfig saved = new SavedConfig(context.dataDirectory().resolve("config.json"));
        saved.read().ifPresent(noted::apply);
        mounts.add(
                context.routes().mount(ExplainHandler.PREFIX, new ExplainHandler(() -> served, context.authorizer())));
        TrafficWatch watch = new TrafficWatch(context.kernel());
        var _ = context.supervisor()
                .start(ChildSpec.periodic("traffic-watch", TrafficWatch.EVERY, Duration.ZERO, watch::look));
        mounts.add(context.console()
                .add(new Page(
                        "gateway",
                        "Gateway",
                        "Areas",
                        15,
                        new GatewayPage(context.console(), () -> served, watch, context.authorizer()))));
        GatewayController made = new GatewayController(context, options, noted, saved);
        controller = made;
        made.start();
    }

    @Override
    public void stop() throws Exception {
        for (Routes.Mount mount : mounts.reversed()) {
            mount.close();
        }
        if (controller != null) {
            controller.close();
        }
        if (traffic != null) {
            traffic.close();
        }
    }
}
