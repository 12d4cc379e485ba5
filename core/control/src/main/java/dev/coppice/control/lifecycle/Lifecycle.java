package dev.coppice.control.lifecycle;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.EventType;
import dev.coppice.control.ResourceClient.Query;
import dev.coppice.control.ResourceClient.ServedType;
import dev.coppice.control.admission.TypeChecker;
import dev.coppice.control.runtime.ControllerManager;
import dev.coppice.control.runtime.ObjectCache;
import dev.coppice.control.runtime.Reflector;
import dev.coppice.control.runtime.WorkLoop;
import dev.coppice.control.runtime.WorkQueue;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;

/**
 * The controllers that every cluster has, below one supervisor: garbage collection, namespace termination, default service
 * accounts, role aggregation, quota usage, type checks of policies. They use the API only. On several nodes, one of them runs it.
 */
public final class Lifecycle {

    private static final SupervisorOptions RESTARTS =
            SupervisorOptions.DEFAULT.withIntensity(10, Duration.ofSeconds(10));

    /** What is added was counted by admission already; this sets right what it may have missed. */
    private static final Duration ADDED_DELAY = Duration.ofSeconds(1);

    private final Kernel kernel;
    private final Supervisor supervisor;
    private final ResourceClient client;
    private final ControllerManager manager;
    private final Set<String> countedTypes = new HashSet<>();

    private Lifecycle(Kernel kernel, Supervisor supervisor, ResourceClient client) throws StartException {
        this.kernel = kernel;
        this.supervisor = supervisor;
        this.client = client;
        this.manager = new ControllerManager(kernel, supervisor, client);
    }

    /** Starts them all below {@code supervisor}; they begin to work as their watches are filled. */
    public static void start(Kernel kernel, Supervisor supervisor, ResourceClient client, TypeChecker checker)
            throws StartException, InterruptedException {
        Lifecycle lifecycle = new Lifecycle(kernel, supervisor, client);
        lifecycle.namespaces();
        lifecycle.serviceAccounts();
        lifecycle.roles();
        lifecycle.quotas();
        lifecycle.policies(checker);
        new GarbageCollector(kernel, supervisor, client, lifecycle.manager.events()).start();
    }

    private WorkQueue<Key> loop(String name, int parallelism, ObjectCache<ObjectNode> cache, WorkLoop.Work<Key> work)
            throws StartException {
        WorkQueue<Key> queue = new WorkQueue<>(name, kernel, WorkQueue.Options.DEFAULT);
        Supervisor workers = supervisor.startSupervisor(name, RESTARTS);
        new WorkLoop<>(name, kernel, queue, work).start(workers, parallelism, cache::awaitSynced);
        return queue;
    }

    private void namespaces() throws StartException {
        ObjectCache<ObjectNode> namespaces = manager.treesLater(NamespaceTermination.NAMESPACES);
        NamespaceTermination termination = new NamespaceTermination(client, kernel.clock());
        WorkQueue<Key> queue = loop("namespace-termination", 4, namespaces, termination::terminate);
        AutoCloseable _ = namespaces.observe(onAfter(after -> {
            if (after.path("metadata").hasNonNull("deletionTimestamp")) {
                add(queue, ObjectCache.key(after));
            }
        }));
    }

    private void serviceAccounts() throws StartException {
        ObjectCache<ObjectNode> namespaces = manager.treesLater(NamespaceTermination.NAMESPACES);
        ObjectCache<ObjectNode> accounts = manager.treesLater(DefaultServiceAccounts.SERVICE_ACCOUNTS);
        WorkQueue<Key> queue =
                loop("default-service-accounts", 1, namespaces, new DefaultServiceAccounts(client)::provide);
        AutoCloseable _ = namespaces.observe(onAfter(after -> add(queue, ObjectCache.key(after))));
        AutoCloseable _ = accounts.observe((before, after) -> {
            if (before.isPresent() && after.isEmpty()) {
                Key gone = ObjectCache.key(before.get());
                if (gone.name().equals(DefaultServiceAccounts.NAME)) {
                    add(queue, new Key("", gone.namespace()));
                }
            }
        });
    }

    private void roles() throws StartException {
        ObjectCache<ObjectNode> roles = manager.treesLater(AggregatedRoles.CLUSTER_ROLES);
        WorkQueue<Key> queue = loop("role-aggregation", 1, roles, new AggregatedRoles(client, roles)::fill);
        AutoCloseable _ = roles.observe((_, _) -> {
            for (ObjectNode each : roles.list()) {
                if (AggregatedRoles.aggregates(each)) {
                    add(queue, ObjectCache.key(each));
                }
            }
        });
    }

    private void policies(TypeChecker checker) throws StartException {
        ObjectCache<ObjectNode> policies = manager.treesLater(PolicyStatus.POLICIES);
        WorkQueue<Key> queue = loop("policy-status", 1, policies, new PolicyStatus(client, checker)::check);
        AutoCloseable _ = policies.observe(onAfter(after -> {
            if (PolicyStatus.due(after)) {
                add(queue, ObjectCache.key(after));
            }
        }));
    }

    private void quotas() throws StartException {
        ObjectCache<ObjectNode> quotas = manager.treesLater(QuotaUsage.QUOTAS);
        QuotaUsage usage = new QuotaUsage(client);
        Supervisor watching = supervisor.startSupervisor("quota-types", RESTARTS);
        WorkQueue<Key> queue = new WorkQueue<>("quota-usage", kernel, WorkQueue.Options.DEFAULT);
        Supervisor workers = supervisor.startSupervisor("quota-usage", RESTARTS);
        WorkLoop.Work<Key> work = key -> {
            Optional<ObjectNode> quota = quotas.get(key);
            if (quota.isPresent()) {
                for (String type : QuotaUsage.types(quota.get())) {
                    watchCounted(watching, quotas, queue, type);
                }
            }
            return usage.count(key);
        };
        new WorkLoop<>("quota-usage", kernel, queue, work).start(workers, 2, quotas::awaitSynced);
        AutoCloseable _ = quotas.observe(onAfter(after -> {
            if (!after.path("spec").path("hard").equals(after.path("status").path("hard"))
                    || !after.path("status").has("used")) {
                add(queue, ObjectCache.key(after));
            }
        }));
    }

    /** When an object of a counted type comes or goes, the quotas of its namespace are counted anew. */
    private void watchCounted(Supervisor watching, ObjectCache<ObjectNode> quotas, WorkQueue<Key> queue, String type)
            throws StartException {
        synchronized (countedTypes) {
            Optional<ServedType> served = client.types().stream()
                    .filter(each -> QuotaUsage.label(each).equals(type))
                    .findFirst();
            if (served.isEmpty() || !countedTypes.add(type)) {
                return;
            }
            Reflector.Sink sink = new Reflector.Sink() {
                @Override
                public void replace(List<ObjectNode> objects) {
                    quotas.list().forEach(quota -> add(queue, ObjectCache.key(quota)));
                }

                @Override
                public void changed(EventType event, ObjectNode object) {
                    if (event == EventType.MODIFIED || event == EventType.BOOKMARK) {
                        return;
                    }
                    Duration delay = event == EventType.DELETED ? Duration.ZERO : ADDED_DELAY;
                    quotas.list(ObjectCache.key(object).namespace())
                            .forEach(quota -> queue.addAfter(ObjectCache.key(quota), delay));
                }
            };
            Reflector reflector = new Reflector(kernel, client, served.get().type(), Query.ALL, sink);
            Supervisor.Child _ = watching.start(ChildSpec.task(type, reflector));
        }
    }

    private static BiConsumer<Optional<ObjectNode>, Optional<ObjectNode>> onAfter(
            java.util.function.Consumer<ObjectNode> action) {
        return (_, after) -> after.ifPresent(action);
    }

    private static void add(WorkQueue<Key> queue, Key key) {
        try {
            queue.add(key);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the watch stops; when it starts again it lists anew
        }
    }
}
