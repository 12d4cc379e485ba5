package dev.coppice.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiServer;
import dev.coppice.control.Controller;
import dev.coppice.control.Key;
import dev.coppice.control.Kind;
import dev.coppice.control.Reconciler.Result;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.access.BearerTokens;
import dev.coppice.control.runtime.ControllerManager;
import dev.coppice.control.runtime.ExtensionHost;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.store.Store;
import dev.coppice.store.StoreOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A controller that starts when its objects are there already, in the process of the API: {@code Reconciles DIRECTORY OBJECTS
 * IDLE-SECONDS}. Tells how long it takes until each object was reconciled once by a reconciler that does nothing, and the CPU time
 * of the process while nothing changes after that. The objects are of a user's kind, with 1,000 characters each, written through
 * the engine to a store that syncs.
 */
public final class Reconciles {
    private static final ResourceType DEFINITIONS =
            new ResourceType("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    private static final Kind<Spec, Status> KIND =
            Kind.namespaced("bench.dev", "v1", "Piece", Spec.class, Status.class, "A piece of work.");
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int WRITERS = 32;

    /** What is wanted of a piece. */
    public record Spec(String text, int size) {}

    /** What became of it. */
    public record Status(int seen) {}

    private Reconciles() {}

    public static void main(String[] arguments) throws Exception {
        Path directory = Path.of(arguments[0]);
        int objects = Integer.parseInt(arguments[1]);
        int idleSeconds = Integer.parseInt(arguments[2]);
        try (Kernel kernel = Kernel.start()) {
            Store store = Store.start(kernel, kernel.root(), StoreOptions.of(directory.resolve("store")));
            ApiServer server = new ApiServer(kernel, store.keyspace("control"), directory.resolve("control"));
            server.start(kernel.root().startSupervisor("control", SupervisorOptions.DEFAULT));
            Supervisor watches = kernel.root().startSupervisor("watches", SupervisorOptions.DEFAULT);
            ResourceClient client = server.client(watches, BearerTokens.ADMIN, "bench");
            serve(server, client);
            write(client, objects);
            ControllerManager manager = new ControllerManager(
                    kernel, kernel.root().startSupervisor("bench", SupervisorOptions.DEFAULT), client);
            reconcile(manager, objects);
            idle(idleSeconds);
        }
        System.exit(0);
    }

    private static void serve(ApiServer server, ResourceClient client) throws InterruptedException {
        CountDownLatch served = new CountDownLatch(1);
        try (var _ = server.registry().observe(_ -> {
            if (server.registry().find("bench.dev", "v1", "pieces") != null) {
                served.countDown();
            }
        })) {
            ObjectNode _ = client.create(DEFINITIONS, ExtensionHost.definition(KIND));
            if (!served.await(30, TimeUnit.SECONDS)) {
                throw new IllegalStateException("the kind of the benchmark is not served after 30 s");
            }
        }
    }

    private static void write(ResourceClient client, int objects) throws Exception {
        AtomicInteger next = new AtomicInteger();
        long start = System.nanoTime();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = new ArrayList<>();
            for (int t = 0; t < WRITERS; t++) {
                all.add(threads.submit(() -> {
                    for (int i = next.getAndIncrement(); i < objects; i = next.getAndIncrement()) {
                        ObjectNode _ = client.create(KIND.type(), piece(i));
                    }
                    return null;
                }));
            }
            for (Future<?> future : all) {
                future.get();
            }
        }
        result("reconcile-writes", "creates a second in the process, 32 in flight", objects / seconds(start), null);
    }

    private static ObjectNode piece(int i) {
        ObjectNode piece = JSON.createObjectNode();
        piece.put("apiVersion", "bench.dev/v1").put("kind", "Piece");
        piece.putObject("metadata").put("namespace", "default").put("name", "piece-" + i);
        piece.putObject("spec").put("text", "x".repeat(1_000)).put("size", i);
        return piece;
    }

    private static void reconcile(ControllerManager manager, int objects) throws Exception {
        Set<Key> seen = ConcurrentHashMap.newKeySet();
        CountDownLatch all = new CountDownLatch(objects);
        Duration cpu = cpu();
        long start = System.nanoTime();
        manager.start(Controller.of("pieces", KIND, request -> {
            if (seen.add(request.key())) {
                all.countDown();
            }
            return Result.DONE;
        }));
        if (!all.await(100, TimeUnit.SECONDS)) {
            throw new IllegalStateException(
                    "only " + seen.size() + " of " + objects + " objects were reconciled in 100 s");
        }
        result("reconcile-cold", "seconds until " + objects + " objects were reconciled", seconds(start), 20);
        result(
                "reconcile-cold-cpu",
                "CPU microseconds an object",
                cpu().minus(cpu).toNanos() / 1e3 / objects,
                null);
    }

    private static void idle(int wanted) throws InterruptedException {
        Thread.sleep(10_000); // what the load set off has ended by then: compilers, collections, journals
        Duration cpu = cpu();
        long start = System.nanoTime();
        Thread.sleep(wanted * 1_000L);
        result(
                "reconcile-idle",
                "CPU milliseconds a second while nothing changes",
                cpu().minus(cpu).toNanos() / 1e6 / seconds(start),
                null);
    }

    private static double seconds(long start) {
        return (System.nanoTime() - start) / 1e9;
    }

    private static Duration cpu() {
        return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
    }

    private static void result(String name, String unit, double value, @Nullable Integer goal) {
        System.out.printf(
                Locale.ROOT,
                "{\"name\":\"%s\",\"unit\":\"%s\",\"coppice\":%.3f,\"peer\":null,\"peerName\":null,\"ratio\":null,\"goal\":%s,\"runs\":1}%n",
                name,
                unit,
                value,
                goal);
    }
}
