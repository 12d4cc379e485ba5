package dev.coppice.store.raft;

import com.alipay.sofa.jraft.entity.NodeId;
import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.util.SPI;
import com.alipay.sofa.jraft.util.timer.DefaultRaftTimerFactory;
import com.alipay.sofa.jraft.util.timer.DefaultTimer;
import com.alipay.sofa.jraft.util.timer.Timeout;
import com.alipay.sofa.jraft.util.timer.Timer;
import com.alipay.sofa.jraft.util.timer.TimerTask;
import dev.coppice.kernel.Clock;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Makes election timers that count from when the leader was last heard, as Raft has them (section 3.4 of Ongaro's thesis). The
 * library's own go off in turns, whatever is heard meanwhile, and look then: they notice a loss up to a whole turn late. Found
 * by {@link java.util.ServiceLoader}.
 */
@SPI(name = "coppice", priority = 100)
public final class ElectionTimers extends DefaultRaftTimerFactory {

    private static final System.Logger LOG = System.getLogger(ElectionTimers.class.getName());

    /** A timer that is later than this part of its time tells that this process did not run meanwhile. */
    private static final int LATE_PART = 10;

    private static final String NAME = "JRaft-ElectionTimer-";

    /** Of nodes that are about to be made, by the name of their timer. */
    private static final Map<String, LeaderContact> CONTACTS = new ConcurrentHashMap<>();

    /** Made by the service loader. */
    public ElectionTimers() {}

    /** When a member last heard of a leader. Safe for use by many threads. */
    static final class LeaderContact {
        private final Clock clock;
        private volatile long heardNanos;
        private volatile boolean told = true;

        LeaderContact(Clock clock) {
            this.clock = clock;
            this.heardNanos = clock.nanoTime();
        }

        void heard() {
            heardNanos = clock.nanoTime();
            told = false;
        }

        private void silent(long lateNanos) {
            if (!told) {
                told = true;
                LOG.log(
                        System.Logger.Level.INFO,
                        "no leader was heard for {0} ms: this member asks whether it would be elected (its timer was"
                                + " {1} ms late)",
                        TimeUnit.NANOSECONDS.toMillis(silentNanos()),
                        TimeUnit.NANOSECONDS.toMillis(lateNanos));
            }
        }

        private long silentNanos() {
            return clock.nanoTime() - heardNanos;
        }
    }

    /** To be said before the library makes the node. */
    static LeaderContact contact(String group, PeerId self, Clock clock) {
        LeaderContact made = new LeaderContact(clock);
        CONTACTS.put(NAME + new NodeId(group, self), made);
        return made;
    }

    /** The library's own wakes up every millisecond, due or not, which takes 15 to 25 ms of CPU time a second for each timer. */
    @Override
    public Timer createTimer(String name) {
        return new DefaultTimer(1, name);
    }

    @Override
    public Timer getElectionTimer(boolean shared, String name) {
        Timer timer = super.getElectionTimer(shared, name);
        LeaderContact contact = CONTACTS.remove(name);
        return contact == null ? timer : new ElectionTimer(timer, contact);
    }

    /** On another timer. */
    record ElectionTimer(Timer timer, LeaderContact contact) implements Timer {
        @Override
        public Timeout newTimeout(TimerTask task, long delay, TimeUnit unit) {
            Silence silence = new Silence(this, task, unit.toNanos(delay));
            silence.await(unit.toNanos(delay));
            return silence;
        }

        @Override
        public Set<Timeout> stop() {
            return timer.stop();
        }
    }

    /** Goes off when the leader has been silent for a while; is put off when it is heard. */
    private static final class Silence implements Timeout, TimerTask {
        private final ElectionTimer of;
        private final TimerTask task;
        private final long nanos;
        private final long bornNanos;
        private @Nullable Timeout next;
        private long dueNanos;
        private boolean patient = true;
        private boolean cancelled;
        private boolean expired;

        Silence(ElectionTimer of, TimerTask task, long nanos) {
            this.of = of;
            this.task = task;
            this.nanos = nanos;
            this.bornNanos = of.contact.clock.nanoTime();
        }

        synchronized void await(long left) {
            if (!cancelled) {
                dueNanos = of.contact.clock.nanoTime() + left;
                next = of.timer.newTimeout(this, left, TimeUnit.NANOSECONDS);
            }
        }

        @Override
        public void run(Timeout timeout) throws Exception {
            long waited = of.contact.clock.nanoTime() - bornNanos;
            long left = nanos - Math.min(of.contact.silentNanos(), waited);
            if (left > 0) {
                await(left);
                return;
            }
            long late;
            synchronized (this) {
                late = of.contact.clock.nanoTime() - dueNanos;
                if (late > nanos / LATE_PART && patient) {
                    // What the leader sent while this process did not run is still to be read.
                    patient = false;
                    await(nanos / LATE_PART);
                    return;
                }
                if (cancelled) {
                    return;
                }
                expired = true;
            }
            of.contact.silent(late);
            task.run(this);
        }

        @Override
        public Timer timer() {
            return of;
        }

        @Override
        public TimerTask task() {
            return task;
        }

        @Override
        public synchronized boolean isExpired() {
            return expired;
        }

        @Override
        public synchronized boolean isCancelled() {
            return cancelled;
        }

        @Override
        public synchronized boolean cancel() {
            if (expired || cancelled) {
                return false;
            }
            cancelled = true;
            Timeout waiting = next;
            return waiting == null || waiting.cancel();
        }
    }
}
