package dev.coppice.gateway;

import dev.coppice.control.Extension;
import dev.coppice.control.ExtensionContext;
import dev.coppice.control.Kind;
import dev.coppice.control.Permission;
import dev.coppice.gateway.control.GatewayController;
import dev.coppice.gateway.control.SavedConfig;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.gateway.proxy.ProxyDataPlane;
import dev.coppice.gateway.proxy.ProxyOptions;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The gateway area: traffic of this machine's addresses, routed by the resources of Kubernetes' Gateway API.
 *
 * <p>On several nodes it runs on the leader. Under {@code DATA/areas/gateway} it keeps what it served last, and serves that from its
 * start on, until the resources have been read.
 */
public final class GatewayExtension implements Extension {
    private static final SupervisorOptions PATIENT =
            SupervisorOptions.DEFAULT.withIntensity(1000, Duration.ofSeconds(10));

    /** Makes what serves the traffic. */
    @FunctionalInterface
    public interface DataPlaneFactory {
        /**
         * Starts a data plane that serves nothing yet; if it can be closed, it is when the extension ends.
         *
         * @param supervisor for everything that it runs
         */
        DataPlane open(Kernel kernel, Supervisor supervisor) throws Exception;
    }

    private final GatewayOptions options;
    private final DataPlaneFactory factory;
    private final List<AutoCloseable> closeables = new ArrayList<>();

    public GatewayExtension(GatewayOptions options, DataPlaneFactory factory) {
        this.options = options;
        this.factory = factory;
    }

    /** With the data plane and options of this version. */
    public GatewayExtension() {
        this(
                GatewayOptions.DEFAULT,
                (kernel, supervisor) -> new ProxyDataPlane(kernel, supervisor, ProxyOptions.DEFAULT));
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
        DataPlane dataPlane =
                factory.open(context.kernel(), context.supervisor().startSupervisor("traffic", PATIENT));
        if (dataPlane instanceof AutoCloseable closeable) {
            closeables.add(closeable);
        }
        SavedConfig saved = new SavedConfig(context.dataDirectory().resolve("config.json"));
        saved.read().ifPresent(dataPlane::apply);
        GatewayController controller = new GatewayController(context, options, dataPlane, saved);
        closeables.add(controller);
        controller.start();
    }

    @Override
    public void stop() throws Exception {
        for (AutoCloseable closeable : closeables.reversed()) {
            closeable.close();
        }
    }
}
