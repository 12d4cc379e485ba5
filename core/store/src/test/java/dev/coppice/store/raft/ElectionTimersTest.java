package dev.coppice.store.raft;

import static org.assertj.core.api.Assertions.assertThat;

import com.alipay.sofa.jraft.JRaftUtils;
import com.alipay.sofa.jraft.util.timer.Timeout;
import com.alipay.sofa.jraft.util.timer.Timer;
import com.alipay.sofa.jraft.util.timer.TimerTask;
import dev.coppice.kernel.SimulatedClock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

final class ElectionTimersTest {
    private final SimulatedClock clock = new SimulatedClock();

    /** Each timeout that was asked for, as long as it was neither cancelled nor run. */
    private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();

    private final class Waiting implements Timeout {
        final TimerTask task;
        final long atNanos;

        Waiting(TimerTask task, long atNanos) {
            this.task = task;
            this.atNanos = atNanos;
        }

        @Override
        public Timer timer() {
            return wheel;
        }

        @Override
        public TimerTask task() {
            return task;
        }

        @Override
        public boolean isExpired() {
            return !waiting.contains(this);
        }

        @Override
        public boolean isCancelled() {
            return false;
        }

        @Override
        public boolean cancel() {
            return waiting.remove(this);
        }
    }

    private final Timer wheel = new Timer() {
        @Override
        public Timeout newTimeout(TimerTask task, long delay, TimeUnit unit) {
            Waiting made = new Waiting(task, clock.nanoTime() + unit.toNanos(delay));
            waiting.add(made);
            return made;
        }

        @Override
        public Set<Timeout> stop() {
            return Set.of();
        }
    };

    private final ElectionTimers.LeaderContact contact = new ElectionTimers.LeaderContact(clock);
    private final Timer timer = new ElectionTimers.ElectionTimer(wheel, contact);
    private final AtomicInteger elections = new AtomicInteger();

    private void pass(long millis) throws Exception {
        long end = clock.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        while (!waiting.isEmpty() && waiting.element().atNanos <= end) {
            Waiting due = waiting.remove();
            clock.advance(Duration.ofNanos(due.atNanos - clock.nanoTime()));
            due.task.run(due);
        }
        clock.advance(Duration.ofNanos(end - clock.nanoTime()));
    }

    private Timeout start() {
        return timer.newTimeout(_ -> elections.incrementAndGet(), 600, TimeUnit.MILLISECONDS);
    }

    @Test
    void goesOffWhenALeaderWasNeverHeard() throws Exception {
        Timeout made = start();
        pass(599);
        assertThat(elections).hasValue(0);
        assertThat(made.isExpired()).isFalse();
        pass(1);
        assertThat(elections).hasValue(1);
        assertThat(made.isExpired()).isTrue();
        assertThat(waiting).isEmpty();
    }

    @Test
    void isPutOffForAsLongAsALeaderIsHeard() throws Exception {
        start();
        for (int i = 0; i < 50; i++) {
            pass(60);
            contact.heard();
        }
        assertThat(elections).hasValue(0);
        pass(599);
        assertThat(elections).hasValue(0);
        pass(1);
        assertThat(elections).hasValue(1);
    }

    @Test
    void theSilenceBeforeItBeganDoesNotCount() throws Exception {
        pass(500);
        start();
        pass(599);
        assertThat(elections).hasValue(0);
        pass(1);
        assertThat(elections).hasValue(1);
    }

    @Test
    void oneThatIsLateFirstLetsThisProcessReadWhatTheLeaderSent() throws Exception {
        start();
        Waiting due = waiting.remove();
        clock.advance(Duration.ofMillis(5_000));
        due.task.run(due);
        assertThat(elections).hasValue(0);
        contact.heard();
        pass(599);
        assertThat(elections).hasValue(0);
        pass(1);
        assertThat(elections).hasValue(1);
    }

    @Test
    void oneThatIsLateWaitsOnceOnly() throws Exception {
        start();
        for (int i = 0; i < 2; i++) {
            Waiting due = waiting.remove();
            clock.advance(Duration.ofMillis(5_000));
            due.task.run(due);
        }
        assertThat(elections).hasValue(1);
    }

    @Test
    void aCancelledOneDoesNotGoOff() throws Exception {
        Timeout made = start();
        pass(300);
        contact.heard();
        pass(400);
        assertThat(made.cancel()).isTrue();
        assertThat(made.isCancelled()).isTrue();
        pass(10_000);
        assertThat(elections).hasValue(0);
        assertThat(waiting).isEmpty();
    }

    @Test
    void theLibraryFindsThem() {
        assertThat(JRaftUtils.raftTimerFactory()).isInstanceOf(ElectionTimers.class);
    }
}
