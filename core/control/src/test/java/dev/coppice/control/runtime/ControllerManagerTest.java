package dev.coppice.control.runtime;

import static dev.coppice.control.runtime.Eventually.eventually;
import static dev.coppice.control.runtime.Widgets.KIND;
import static dev.coppice.control.runtime.Widgets.widget;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Controller;
import dev.coppice.control.Key;
import dev.coppice.control.Reconciler.Result;
import dev.coppice.control.Resource;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.runtime.testing.FakeResourceClient;
import dev.coppice.kernel.Clock;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Supervisor;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ControllerManagerTest {

    private static final ResourceType CONFIGMAPS = new ResourceType("", "v1", "configmaps");
    private static final Key A = new Key("ns", "a");

    private final Kernel kernel = Kernel.start(Clock.system(), 1);
    private final FakeResourceClient client = new FakeResourceClient(Clock.system());
    private ControllerManager manager;

    @BeforeEach
    void start() throws Exception {
        manager = new ControllerManager(kernel, kernel.root(), client);
    }

    @AfterEach
    void close() {
        kernel.close();
    }

    private String color(RecordInformer<Widgets.Spec, Widgets.Status> informer, Key key) {
        return informer.get(key).map(r -> r.spec().color()).orElse("");
    }

    @Test
    void anInformerFollows() throws Exception {
        client.create(KIND.type(), widget("a", "red"));
        RecordInformer<Widgets.Spec, Widgets.Status> informer = manager.informer(KIND);
        assertThat(color(informer, A)).isEqualTo("red");
        List<String> seen = new CopyOnWriteArrayList<>();
        informer.observe((before, after) -> seen.add(before.map(r -> r.spec().color())
                        .orElse("-") + ">" + after.map(r -> r.spec().color()).orElse("-")));
        informer.indexBy("color", r -> List.of(r.spec().color()));
        client.mergePatch(
                KIND.type(), "ns", "a", null, (ObjectNode) Widgets.JSON.readTree("{\"spec\":{\"color\":\"blue\"}}"));
        eventually(() -> color(informer, A).equals("blue"));
        eventually(() -> informer.find("color", "blue").size() == 1
                && informer.find("color", "red").isEmpty());
        client.delete(KIND.type(), "ns", "a");
        eventually(() -> informer.list().isEmpty());
        eventually(() -> informer.find("color", "blue").isEmpty());
        eventually(() -> seen.equals(List.of("->red", "red>blue", "blue>-")));
    }

    @Test
    void anInformerSurvivesClosedAndExpiredWatchesAndFailures() throws Exception {
        RecordInformer<Widgets.Spec, Widgets.Status> informer = manager.informer(KIND);
        client.closeWatches(null);
        client.create(KIND.type(), widget("a", "red"));
        eventually(() -> color(informer, A).equals("red"));
        client.fail(call -> call.startsWith("list") || call.startsWith("watch")
                ? Optional.of(FakeResourceClient.error(503, "ServiceUnavailable", "later"))
                : Optional.empty());
        client.closeWatches(FakeResourceClient.error(410, "Expired", "gone"));
        client.delete(KIND.type(), "ns", "a");
        client.create(KIND.type(), widget("b", "green"));
        client.compact();
        client.fail(_ -> Optional.empty());
        eventually(() ->
                informer.get(A).isEmpty() && color(informer, new Key("ns", "b")).equals("green"));
    }

    @Test
    void anInformerThatIsKilledHeals() throws Exception {
        RecordInformer<Widgets.Spec, Widgets.Status> informer = manager.informer(KIND);
        Supervisor.Child child = kernel.find("/informers/widgets.test.dev").orElseThrow();
        child.kill();
        client.create(KIND.type(), widget("a", "red"));
        eventually(() -> color(informer, A).equals("red"));
        eventually(() -> child.restarts() == 1);
    }

    @Test
    void anUnreadableObjectIsToldAndHarmsNoOther() throws Exception {
        ObjectNode broken = widget("a", "red");
        broken.withObject("/spec").put("size", "many");
        client.create(KIND.type(), broken);
        client.create(KIND.type(), widget("b", "red"));
        RecordInformer<Widgets.Spec, Widgets.Status> informer = manager.informer(KIND);
        assertThat(informer.list()).extracting(Resource::name).containsExactly("b");
        assertThat(client.events())
                .hasSize(1)
                .first()
                .asString()
                .startsWith("Warning Unreadable: The object does not fit");
    }

    @Test
    void eachReconcileIsASpan() throws Exception {
        List<String> spans = new CopyOnWriteArrayList<>();
        try (var _ = kernel.telemetry()
                .subscribe(
                        "test",
                        "controller.reconcile.",
                        event -> spans.add(event.name().substring("controller.reconcile.".length()) + " "
                                + event.metadata().get("controller") + " "
                                + event.metadata().get("key") + " "
                                + event.measurements().get("failures")))) {
            AtomicInteger calls = new AtomicInteger();
            manager.start(Controller.of("widgets", KIND, _ -> {
                if (calls.getAndIncrement() == 0) {
                    throw new IllegalStateException("not yet");
                }
                return Result.DONE;
            }));
            client.create(KIND.type(), widget("a", "red"));
            eventually(() -> spans.size() == 4);
        }
        assertThat(spans)
                .containsExactly(
                        "start widgets ns/a null",
                        "exception widgets ns/a 0",
                        "start widgets ns/a null",
                        "stop widgets ns/a 1");
    }

    @Test
    void reconcilesWritesStatusOnceAndSettles() throws Exception {
        StatusWriter statuses = new StatusWriter(client);
        AtomicInteger written = new AtomicInteger();
        manager.start(Controller.of("widgets", KIND, request -> {
            request.resource().ifPresent(resource -> {
                if (statuses.write(
                        resource, new Widgets.Status(1, resource.spec().color()))) {
                    written.incrementAndGet();
                }
            });
            return Result.DONE;
        }));
        long before = client.create(KIND.type(), widget("a", "red"))
                        .path("metadata")
                        .path("resourceVersion")
                        .asLong()
                - 1;
        eventually(() -> status("a").equals("red"));
        client.mergePatch(
                KIND.type(), "ns", "a", null, (ObjectNode) Widgets.JSON.readTree("{\"spec\":{\"color\":\"blue\"}}"));
        eventually(() -> status("a").equals("blue"));
        // More than twice where the cache was behind the controller's own write; the server then changes nothing.
        eventually(() -> written.get() >= 2);
        eventually(() -> manager.informer(KIND)
                .get(A)
                .filter(seen -> seen.status() != null && seen.status().color().equals("blue"))
                .isPresent());
        assertThat(client.get(KIND.type(), "ns", "a")
                        .orElseThrow()
                        .path("metadata")
                        .path("resourceVersion")
                        .asLong())
                .as("a creation, a change and two statuses")
                .isEqualTo(before + 4);
    }

    private String status(String name) {
        return client.get(KIND.type(), "ns", name)
                .orElseThrow()
                .path("status")
                .path("color")
                .asText();
    }

    @Test
    void failuresAreTriedAgainAndTellOfDeletion() throws Exception {
        AtomicInteger tries = new AtomicInteger();
        CountDownLatch gone = new CountDownLatch(1);
        manager.start(Controller.of("flaky", KIND, request -> {
            if (request.resource().isEmpty()) {
                gone.countDown();
            } else {
                int attempt = tries.incrementAndGet();
                if (attempt == 2) {
                    throw new StackOverflowError("deep");
                }
                if (attempt < 4) {
                    throw new IllegalStateException("not yet");
                }
            }
            return Result.DONE;
        }));
        client.create(KIND.type(), widget("a", "red"));
        eventually(() -> tries.get() == 4);
        client.delete(KIND.type(), "ns", "a");
        assertThat(gone.await(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void comesBackAfterTheTimeItAsksFor() throws Exception {
        AtomicInteger runs = new AtomicInteger();
        manager.start(Controller.of(
                "again", KIND, _ -> runs.incrementAndGet() < 5 ? Result.again(Duration.ofMillis(1)) : Result.DONE));
        client.create(KIND.type(), widget("a", "red"));
        eventually(() -> runs.get() == 5);
    }

    @Test
    void watchedTypesWakeTheirObjects() throws Exception {
        List<Key> woken = new CopyOnWriteArrayList<>();
        manager.start(Controller.of("watching", KIND, request -> {
                    woken.add(request.key());
                    return Result.DONE;
                })
                .watching(
                        CONFIGMAPS,
                        tree -> List.of(
                                new Key("ns", tree.path("data").path("widget").asText()))));
        ObjectNode map = Widgets.JSON.createObjectNode();
        map.putObject("metadata").put("namespace", "ns").put("name", "m");
        map.putObject("data").put("widget", "x");
        client.create(CONFIGMAPS, map);
        eventually(() -> woken.equals(List.of(new Key("ns", "x"))));
        map.withObject("/data").put("widget", "y");
        client.update(CONFIGMAPS, map);
        eventually(() -> woken.containsAll(List.of(new Key("ns", "x"), new Key("ns", "y"))) && woken.size() == 3);
    }

    @Test
    void aKilledWorkerHealsAndTheKeyIsDoneAgain() throws Exception {
        CountDownLatch hanging = new CountDownLatch(1);
        AtomicInteger runs = new AtomicInteger();
        manager.start(Controller.of("hanging", KIND, _ -> {
                    if (runs.incrementAndGet() == 1) {
                        hanging.countDown();
                        new CountDownLatch(1).await();
                    }
                    return Result.DONE;
                })
                .withParallelism(1));
        client.create(KIND.type(), widget("a", "red"));
        assertThat(hanging.await(10, TimeUnit.SECONDS)).isTrue();
        kernel.find("/controllers/hanging/worker-1").orElseThrow().kill();
        eventually(() -> runs.get() == 2);
    }

    @Test
    void stoppingLetsWorkEnd() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        AtomicInteger finished = new AtomicInteger();
        manager.start(Controller.of("slow", KIND, _ -> {
            begun.countDown();
            release.await();
            finished.incrementAndGet();
            return Result.DONE;
        }));
        client.create(KIND.type(), widget("a", "red"));
        assertThat(begun.await(10, TimeUnit.SECONDS)).isTrue();
        Thread.ofVirtual().start(release::countDown);
        assertThat(manager.stop("slow")).isTrue();
        assertThat(finished).hasValue(1);
        assertThat(manager.stop("slow")).isFalse();
    }

    @Test
    void countsAsControllerRuntimeDoes() throws Exception {
        manager.start(Controller.of("counted", KIND, _ -> Result.DONE));
        client.create(KIND.type(), widget("a", "red"));
        eventually(() -> kernel.metrics().scrape().stream()
                .filter(metric -> metric.getMetadata().getName().equals("controller_runtime_reconcile"))
                .flatMap(metric -> metric.getDataPoints().stream())
                .anyMatch(point -> "success".equals(point.getLabels().get("result"))));
        assertThat(kernel.metrics().scrape().stream().map(m -> m.getMetadata().getName()))
                .contains(
                        "workqueue_depth",
                        "workqueue_adds",
                        "workqueue_queue_duration_seconds",
                        "workqueue_work_duration_seconds",
                        "workqueue_retries",
                        "workqueue_unfinished_work_seconds",
                        "controller_runtime_reconcile_errors",
                        "controller_runtime_reconcile_time_seconds",
                        "controller_runtime_active_workers",
                        "controller_runtime_max_concurrent_reconciles");
    }
}
