package dev.coppice.control.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ComputedSource;
import dev.coppice.control.request.Json;
import dev.coppice.kernel.Behavior;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.ProcessContext;
import dev.coppice.kernel.ProcessRef;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ProcessSourceTest {
    private final Kernel kernel = Kernel.start();
    private final ProcessSource source = new ProcessSource(kernel);
    private @Nullable Supervisor pool;

    @BeforeEach
    void start() throws Exception {
        Supervisor made = kernel.root().startSupervisor("pool", SupervisorOptions.DEFAULT);
        pool = made;
        made.startProcess(ChildSpec.process("echo", ProcessSourceTest::behavior));
        made.start(ChildSpec.periodic("sweep", Duration.ofHours(1), Duration.ofHours(1), () -> {}));
    }

    @AfterEach
    void close() {
        kernel.close();
    }

    /** Answers a latch by counting it down; crashes at anything else. */
    private static Behavior<Object> behavior() {
        return new Behavior<>() {
            @Override
            public void handle(ProcessContext<Object> self, Object message) {
                if (message instanceof CountDownLatch latch) {
                    latch.countDown();
                } else {
                    throw new IllegalStateException("no answer to " + message);
                }
            }
        };
    }

    private Supervisor pool() {
        return java.util.Objects.requireNonNull(pool);
    }

    private ObjectNode get(String name) {
        return source.get("", name).orElseThrow(() -> new AssertionError(name + " is not there"));
    }

    private void crash() throws InterruptedException {
        Supervisor.Child child = pool().child("echo").orElseThrow();
        long before = child.restarts();
        ProcessRef<Object> ref = child.ref();
        ref.cast("boom");
        long start = System.nanoTime();
        while (child.restarts() == before) {
            assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(30));
            Thread.onSpinWait();
        }
    }

    @Test
    void aListHasSupervisorsAndTheirChildren() {
        ComputedSource.Listing listing = source.list("");
        assertThat(listing.warnings()).isEmpty();
        assertThat(listing.entries().stream().map(ComputedSource.Entry::name))
                .containsExactly("pool", "pool.echo", "pool.sweep");
        ObjectNode first = listing.entries().getFirst().object().get();
        assertThat(first).isNotNull();
        assertThat(first.path("spec").path("strategy").asText()).isEqualTo("oneForOne");
        assertThat(first.path("status").path("children").asInt()).isEqualTo(2);
    }

    @Test
    void anObjectTellsWhatItIsAndHowItGoes() throws Exception {
        ProcessRef<Object> echo = pool().child("echo").orElseThrow().ref();
        CountDownLatch latch = new CountDownLatch(1);
        echo.cast(latch);
        assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
        ObjectNode object = get("pool.echo");
        JsonNode spec = object.path("spec");
        assertThat(spec.path("path").asText()).isEqualTo("/pool/echo");
        assertThat(spec.path("parent").asText()).isEqualTo("/pool");
        assertThat(spec.path("sort").asText()).isEqualTo("process");
        assertThat(spec.path("mode").asText()).isEqualTo("onDemand");
        assertThat(spec.path("restart").asText()).isEqualTo("permanent");
        assertThat(spec.path("mailboxLimit").asInt()).isPositive();
        JsonNode status = object.path("status");
        assertThat(status.path("state").asText()).isEqualTo("running");
        assertThat(status.path("memoryBytes").asLong()).isPositive();
        JsonNode labels = object.path("metadata").path("labels");
        assertThat(labels.path("runtime.coppice.dev/sort").asText()).isEqualTo("process");
        assertThat(labels.path("runtime.coppice.dev/branch").asText()).isEqualTo("pool");
        assertThat(get("pool.sweep").path("spec").path("interval").asText()).isEqualTo("1h0m0s");
    }

    @Test
    void crashesComeWithTheirStack() throws Exception {
        crash();
        JsonNode status = get("pool.echo").path("status");
        assertThat(status.path("restarts").asInt()).isEqualTo(1);
        assertThat(status.path("lastCrash").asText()).contains("no answer to boom");
        assertThat(status.path("crashes").path(0).path("stack").path(0).asText())
                .contains("ProcessSourceTest");
    }

    @Test
    void whatIsNotThereIsNotFound() {
        assertThat(source.get("", "nobody")).isEmpty();
        assertThat(source.get("", "pool.echo.more")).isEmpty();
        assertThat(source.get("", "zz9-")).isEmpty();
    }

    @Test
    void aLargePoolIsCutWithAWarningAndEachCanStillBeRead() throws Exception {
        for (int i = 0; i < 1_010; i++) {
            pool().startProcess(ChildSpec.process("p" + i, ProcessSourceTest::behavior));
        }
        ComputedSource.Listing listing = source.list("");
        assertThat(listing.entries()).hasSizeBetween(1_001, 1_060);
        assertThat(listing.warnings()).singleElement().asString().contains("12 children of /pool are left out");
        assertThat(get("pool").path("status").path("omittedChildren").asInt()).isEqualTo(12);
        assertThat(get("pool.p1009").path("spec").path("path").asText()).isEqualTo("/pool/p1009");
    }

    @Test
    void tracesAreStartedReadAndStopped() {
        ComputedSource.Action trace = source.parts().getFirst().action();
        assertThatThrownBy(() -> trace.run("get", "", "pool.echo", Json.object()))
                .hasMessageContaining("not traced");
        ObjectNode started = trace.run(
                "create", "", "pool.echo", Json.parse("{\"spec\":{\"duration\":\"30s\",\"entries\":5,\"text\":true}}"));
        assertThat(started.path("status").path("running").asBoolean()).isTrue();
        assertThat(started.path("spec").path("duration").asText()).isEqualTo("30s");
        assertThat(get("pool.echo").path("status").path("traced").asBoolean()).isTrue();
        assertThatThrownBy(() -> trace.run("create", "", "pool.echo", Json.object()))
                .hasMessageContaining("traced already");
        assertThat(trace.run("delete", "", "pool.echo", Json.object())
                        .path("status")
                        .path("running")
                        .asBoolean(true))
                .isFalse();
        assertThat(trace.run("get", "", "pool.echo", Json.object())
                        .path("status")
                        .has("ended"))
                .isTrue();
        assertThatThrownBy(() -> trace.run("get", "", "none", Json.object())).hasMessageContaining("not found");
    }

    @Test
    void wrongOptionsOfATraceAreNamed() {
        ComputedSource.Action trace = source.parts().getFirst().action();
        for (String wrong : List.of(
                "{\"spec\":{\"duration\":\"soon\"}}",
                "{\"spec\":{\"duration\":\"11m\"}}",
                "{\"spec\":{\"entries\":\"5\"}}",
                "{\"spec\":{\"entries\":5000}}",
                "{\"spec\":{\"text\":1}}",
                "{\"spec\":{\"tex\":true}}")) {
            assertThatThrownBy(() -> trace.run("create", "", "pool.echo", Json.parse(wrong)))
                    .as(wrong)
                    .hasMessageContaining(wrong.substring(10, 13));
        }
        assertThatThrownBy(() -> trace.run("create", "", "pool", Json.object())).hasMessageContaining("only processes");
    }
}
