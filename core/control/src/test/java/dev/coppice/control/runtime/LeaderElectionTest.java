package dev.coppice.control.runtime;

import static dev.coppice.control.runtime.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.runtime.testing.FakeResourceClient;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SimulatedClock;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LeaderElectionTest {

    private static final ResourceType LEASES = new ResourceType("coordination.k8s.io", "v1", "leases");

    private final SimulatedClock clock = new SimulatedClock();
    private final Kernel kernel = Kernel.start(clock, 3);
    private final FakeResourceClient client = new FakeResourceClient(clock);
    private final AtomicInteger running = new AtomicInteger();

    @AfterEach
    void close() {
        kernel.close();
    }

    private LeaderElection candidate(String identity) throws Exception {
        Supervisor supervisor = kernel.root().startSupervisor(identity, SupervisorOptions.DEFAULT);
        ChildSpec work = ChildSpec.task("work", () -> {
            running.incrementAndGet();
            try {
                new CountDownLatch(1).await();
            } finally {
                running.decrementAndGet();
            }
        });
        LeaderElection election = new LeaderElection(
                kernel,
                client,
                "kube-system",
                "test",
                identity,
                LeaderElection.Timing.DEFAULT,
                supervisor,
                List.of(work));
        supervisor.start(ChildSpec.task("election", election));
        return election;
    }

    private void advance(Duration duration) throws Exception {
        for (Duration left = duration; left.isPositive(); left = left.minusSeconds(1)) {
            clock.advance(Duration.ofSeconds(1));
            Thread.sleep(5);
        }
    }

    @Test
    void aSingleNodeLeadsAtOnce() throws Exception {
        LeaderElection a = candidate("a");
        eventually(() -> a.leading() && running.get() == 1);
        assertThat(client.get(LEASES, "kube-system", "test")
                        .orElseThrow()
                        .path("spec")
                        .path("holderIdentity")
                        .asText())
                .isEqualTo("a");
    }

    @Test
    void oneLeadsAndAnotherTakesOverWhenItIsGone() throws Exception {
        LeaderElection a = candidate("a");
        eventually(a::leading);
        LeaderElection b = candidate("b");
        advance(Duration.ofSeconds(40));
        assertThat(a.leading()).isTrue();
        assertThat(b.leading()).isFalse();
        assertThat(running).hasValue(1);
        kernel.root().stop("a");
        eventually(() -> !a.leading());
        advance(Duration.ofSeconds(20));
        eventually(() -> b.leading() && running.get() == 1);
        assertThat(client.get(LEASES, "kube-system", "test")
                        .orElseThrow()
                        .path("spec")
                        .path("leaseTransitions")
                        .asInt())
                .isEqualTo(1);
    }

    @Test
    void oneThatCannotRenewStepsDownBeforeOthersTakeOver() throws Exception {
        LeaderElection a = candidate("a");
        eventually(() -> running.get() == 1);
        client.fail(_ -> Optional.of(FakeResourceClient.error(503, "ServiceUnavailable", "down")));
        advance(Duration.ofSeconds(13));
        eventually(() -> !a.leading() && running.get() == 0);
        client.fail(_ -> Optional.empty());
        advance(Duration.ofSeconds(4));
        eventually(() -> a.leading() && running.get() == 1);
    }

    @Test
    void oneThatIsStoppedGivesTheLeaseBack() throws Exception {
        LeaderElection a = candidate("a");
        eventually(a::leading);
        kernel.root().stop("a");
        assertThat(client.get(LEASES, "kube-system", "test")
                        .orElseThrow()
                        .path("spec")
                        .path("holderIdentity")
                        .asText("-"))
                .isEmpty();
        LeaderElection b = candidate("b");
        eventually(b::leading);
    }

    @Test
    void aLeaseThatAnotherTookIsNotGivenBack() throws Exception {
        LeaderElection a = candidate("a");
        eventually(a::leading);
        ObjectNode lease = client.get(LEASES, "kube-system", "test").orElseThrow();
        ((ObjectNode) lease.path("spec")).put("holderIdentity", "thief");
        client.update(LEASES, lease);
        advance(Duration.ofSeconds(3));
        eventually(() -> !a.leading() && running.get() == 0);
        assertThat(client.get(LEASES, "kube-system", "test")
                        .orElseThrow()
                        .path("spec")
                        .path("holderIdentity")
                        .asText())
                .isEqualTo("thief");
    }

    @Test
    void afterALongPauseItDoesNotHoldTheLease() throws Exception {
        LeaderElection a = candidate("a");
        eventually(() -> a.leading() && a.holds());
        client.fail(_ -> Optional.of(FakeResourceClient.error(503, "ServiceUnavailable", "down")));
        clock.advance(Duration.ofSeconds(16));
        assertThat(a.holds()).isFalse();
    }
}
