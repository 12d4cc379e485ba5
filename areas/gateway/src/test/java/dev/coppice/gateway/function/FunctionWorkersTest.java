package dev.coppice.gateway.function;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.Kernel;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who computes when. */
@Timeout(60)
class FunctionWorkersTest {
    @Test
    void aShareLeavesHalfToOthers() throws Exception {
        try (Kernel kernel = Kernel.start()) {
            FunctionWorkers workers = new FunctionWorkers(kernel.root(), "test", 2, 4);
            FunctionWorkers.Share one = workers.share();
            FunctionWorkers.Share two = workers.share();
            CountDownLatch gate = new CountDownLatch(1);
            CountDownLatch begun = new CountDownLatch(1);
            CountDownLatch done = new CountDownLatch(2);
            one.execute(() -> {
                begun.countDown();
                try {
                    gate.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                done.countDown();
            });
            // It waits until its share is opened, and has a place while it does.
            assertThat(workers.waiting()).isEqualTo(1);
            one.open();
            begun.await();
            assertThat(workers.waiting()).isZero();
            one.execute(done::countDown);
            one.execute(() -> {});
            assertThatThrownBy(() -> one.execute(() -> {})).isInstanceOf(RejectedExecutionException.class);
            CountDownLatch other = new CountDownLatch(1);
            two.open();
            two.execute(other::countDown);
            assertThat(other.await(50, TimeUnit.SECONDS)).isTrue();
            assertThat(done.getCount()).isEqualTo(2);
            gate.countDown();
            assertThat(done.await(50, TimeUnit.SECONDS)).isTrue();
        }
    }
}
