package dev.coppice.health;

import dev.coppice.control.Controller;
import dev.coppice.control.Extension;
import dev.coppice.control.ExtensionContext;
import dev.coppice.control.Informer;
import dev.coppice.control.Permission;
import dev.coppice.control.Resource;
import dev.coppice.health.check.CheckEngine;
import dev.coppice.health.check.CheckMemory;
import dev.coppice.health.check.CheckView;
import dev.coppice.health.check.ProbingRunner;
import dev.coppice.health.check.Secrets;
import dev.coppice.health.check.Transition;
import dev.coppice.health.control.HealthControllers;
import dev.coppice.health.control.NotificationPolicyReconciler;
import dev.coppice.health.control.RbacHostAccess;
import dev.coppice.health.control.StatusPageReconciler;
import dev.coppice.health.kind.HealthCheckSpec;
import dev.coppice.health.kind.HealthCheckStatus;
import dev.coppice.health.kind.HealthKinds;
import dev.coppice.health.notify.NetworkChannel;
import dev.coppice.health.notify.Notifications;
import dev.coppice.health.page.HealthPage;
import dev.coppice.health.page.HeartbeatHandler;
import dev.coppice.health.page.ProbeRoute;
import dev.coppice.health.page.StatusModels;
import dev.coppice.health.page.StatusPageHandler;
import dev.coppice.health.series.Ledger;
import dev.coppice.health.series.SeriesStore;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Service;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.kernel.Telemetry;
import dev.coppice.probe.Prober;
import dev.coppice.probe.ProberOptions;
import dev.coppice.serving.Page;
import dev.coppice.serving.Routes;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The health area: HealthChecks, NotificationPolicies, StatusPages and HostAccessClasses.
 *
 * <p>On several nodes the engine runs on the leader. What it keeps under {@code DATA/areas/health} (results, states,
 * outbox) belongs to the node and is lost with it; states are then taken from the statuses of the resources.
 */
public final class HealthExtension implements Extension {
    private static final int MOST_AT_ONCE = 2048;
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final SupervisorOptions PATIENT =
            SupervisorOptions.DEFAULT.withIntensity(1000, Duration.ofSeconds(10));

    private final List<Routes.Mount> mounts = new ArrayList<>();
    private final List<AutoCloseable> closeables = new ArrayList<>();

    @Override
    public String name() {
        return "health";
    }

    @Override
    public List<String> publicPrefixes() {
        return List.of("/status", "/badge", HeartbeatHandler.PREFIX);
    }

    @Override
    public List<Permission> permissions() {
        List<Permission> all = new ArrayList<>();
        HealthKinds.all().forEach(kind -> all.addAll(Permission.ofController(kind)));
        all.add(Permission.namespaced("", "secrets", "get"));
        return List.copyOf(all);
    }

    @Override
    public void start(ExtensionContext context) throws Exception {
        Kernel kernel = context.kernel();
        HealthKinds.all().forEach(context::register);
        Storage storage = Storage.open(context.dataDirectory(), kernel);
        context.supervisor().start(ChildSpec.service("storage", () -> storage));
        context.supervisor().start(ChildSpec.periodic("series", SECOND, Duration.ZERO, storage.series()::maintain));

        Informer<HealthCheckSpec, HealthCheckStatus> checks = context.informer(HealthKinds.HEALTH_CHECK);
        Secrets secrets = new Secrets(context.resources());
        RbacHostAccess hostAccess =
                new RbacHostAccess(context.informer(HealthKinds.HOST_ACCESS_CLASS), context.authorizer());
        Prober prober = new Prober(kernel, proberOptions(context));
        closeables.add(prober);
        ProbingRunner runner = new ProbingRunner(prober, secrets, hostAccess, kernel.clock());
        Supervisor workers = context.supervisor().startSupervisor("workers", PATIENT);
        CheckEngine engine = new CheckEngine(
                kernel, workers, runner, storage.series(), new CheckMemory(storage.states()), MOST_AT_ONCE);
        closeables.add(engine);
        engine.listen((view, transitions) -> transitions.forEach(t -> tell(kernel, view, t)));

        Notifications notifications = new Notifications(
                kernel,
                storage.notifications(),
                engine::view,
                key -> checks.get(key).map(Resource::uid),
                new NetworkChannel(prober, secrets, hostAccess));
        closeables.add(notifications);
        engine.listen(notifications.notifier());
        engine.start();
        Supervisor writers = context.supervisor().startSupervisor("statuses", PATIENT);
        HealthControllers.start(context, writers, checks, engine, runner, storage.series());
        notifications
                .notifier()
                .keepOnly(context.informer(HealthKinds.NOTIFICATION_POLICY).list().stream()
                        .map(Resource::uid)
                        .toList());
        context.start(Controller.of(
                "notificationpolicy",
                HealthKinds.NOTIFICATION_POLICY,
                new NotificationPolicyReconciler(notifications, context.authorizer(), kernel.clock())));
        notifications.start(context.supervisor().startSupervisor("notifications", PATIENT));
        pages(context, engine, storage.series(), secrets, notifications);
        mounts.add(context.routes()
                .mount(ProbeRoute.PREFIX, new ProbeRoute(prober, context.authorizer(), context.dataDirectory())));
    }

    private void pages(
            ExtensionContext context,
            CheckEngine engine,
            SeriesStore series,
            Secrets secrets,
            Notifications notifications) {
        StatusModels models = new StatusModels(
                context.informer(HealthKinds.STATUS_PAGE),
                engine::views,
                series,
                context.kernel().clock());
        context.start(Controller.of(
                "statuspage",
                HealthKinds.STATUS_PAGE,
                new StatusPageReconciler(models::model, context.kernel().clock())));
        StatusPageHandler pages = new StatusPageHandler(models);
        mounts.add(context.publicRoutes().mount("/status", pages));
        mounts.add(context.publicRoutes().mount("/badge", pages));
        mounts.add(context.publicRoutes().mount(HeartbeatHandler.PREFIX, new HeartbeatHandler(engine, secrets, null)));
        mounts.add(context.routes()
                .mount(HeartbeatHandler.PREFIX, new HeartbeatHandler(engine, secrets, context.authorizer())));
        mounts.add(context.console()
                .add(new Page(
                        "health",
                        "Health",
                        "Areas",
                        10,
                        new HealthPage(
                                context.kernel(),
                                context.console(),
                                engine,
                                series,
                                context.authorizer(),
                                context.resources(),
                                notifications))));
    }

    /** Commands in the sandbox must not see the node's data. */
    private static ProberOptions proberOptions(ExtensionContext context) {
        Path data = context.dataDirectory().toAbsolutePath();
        Path areas = data.getParent();
        Path root = areas == null || areas.getParent() == null ? data : areas.getParent();
        ProberOptions options = ProberOptions.DEFAULT.withConcurrency(MOST_AT_ONCE);
        return options.withSandbox(options.sandbox().withHidden(List.of(root.toString())));
    }

    private static void tell(Kernel kernel, CheckView view, Transition transition) {
        if (transition instanceof Transition.StateChanged changed) {
            kernel.telemetry()
                    .emit(new Telemetry.Event(
                            "health.check.transition",
                            Map.of("after_seconds", changed.after().toMillis() / 1000.0),
                            Map.of(
                                    "namespace", view.key().namespace(),
                                    "name", view.key().name(),
                                    "from", changed.from().word(),
                                    "to", changed.to().word(),
                                    "reason", changed.to().reason())));
        }
    }

    @Override
    public void stop() throws Exception {
        for (Routes.Mount mount : mounts.reversed()) {
            mount.close();
        }
        for (AutoCloseable closeable : closeables.reversed()) {
            closeable.close();
        }
    }

    /** The area's files. First to start and last to stop, so that whoever writes can still write. */
    private record Storage(SeriesStore series, Ledger states, Ledger notifications) implements Service {
        static Storage open(Path directory, Kernel kernel) throws IOException {
            return new Storage(
                    SeriesStore.open(directory.resolve("series"), kernel.clock(), SeriesStore.Retention.DEFAULT),
                    Ledger.open(directory.resolve("states.ledger")),
                    Ledger.open(directory.resolve("notifications.ledger")));
        }

        @Override
        public void start(Failure failure) throws IOException {
            series.reopen();
            states.reopen();
            notifications.reopen();
        }

        @Override
        public void stop() throws Exception {
            notifications.close();
            states.close();
            series.close();
        }
    }
}
