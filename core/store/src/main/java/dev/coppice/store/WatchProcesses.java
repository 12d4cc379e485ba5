package dev.coppice.store;

import dev.coppice.kernel.Backoff;
import dev.coppice.kernel.Behavior;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.ExitReason;
import dev.coppice.kernel.ProcessContext;
import dev.coppice.kernel.ProcessOptions;
import dev.coppice.kernel.ProcessRef;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Timers;
import dev.coppice.store.engine.Errors;
import dev.coppice.store.engine.WatchSession;
import io.grpc.Status.Code;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Starts the processes that deliver what watches see, one a session, under the store's supervisor of watches. */
final class WatchProcesses {

    private static final ProcessOptions ONE_RING = ProcessOptions.DEFAULT.withMailbox(1, ProcessOptions.Overflow.DROP);

    /** Within about five seconds altogether. */
    private static final int START_ATTEMPTS = 9;

    private static final Backoff START_PAUSE = Backoff.of(Duration.ofMillis(20), Duration.ofSeconds(2));

    private final Store store;
    private final String keyspace;
    private final AtomicLong numbers = new AtomicLong();

    WatchProcesses(Store store, String keyspace) {
        this.store = store;
        this.keyspace = keyspace;
    }

    /** Starts a session's process, which ends with it. */
    void start(WatchSession session) {
        try {
            session.start(new ProcessBell(process(session)));
        } catch (StartException e) {
            throw new StoreException(
                    Code.UNAVAILABLE, "etcdserver: the watch could not be started: " + e.getMessage(), e);
        }
    }

    /** Waits out a restart of the supervisor, as other calls wait out one of the member. */
    private ProcessRef<Boolean> process(WatchSession session) throws StartException {
        String name = keyspace + "-" + numbers.incrementAndGet();
        for (int failures = 1; ; failures++) {
            try {
                return store.watches()
                        .startProcess(ChildSpec.<Boolean>process(name, () -> new Delivery(session), ONE_RING)
                                .withRestart(ChildSpec.Restart.TEMPORARY));
            } catch (StartException e) {
                if (failures == START_ATTEMPTS) {
                    throw e;
                }
                try {
                    store.kernel()
                            .timers()
                            .sleep(START_PAUSE.delay(failures, store.kernel().random()));
                } catch (InterruptedException stopped) {
                    Thread.currentThread().interrupt();
                    throw e;
                }
            }
        }
    }

    private record ProcessBell(ProcessRef<Boolean> process) implements WatchSession.Bell {
        @Override
        public void ring() {
            process.cast(true);
        }

        @Override
        public boolean heard() {
            return process.alive();
        }
    }

    /** Delivers what a session has to tell whenever its bell rings, or it has gathered for a while. */
    private static final class Delivery implements Behavior<Boolean> {
        private final WatchSession session;
        private Timers.@Nullable Timer gathering;

        Delivery(WatchSession session) {
            this.session = session;
        }

        @Override
        public void handle(ProcessContext<Boolean> self, Boolean ring) {
            long again = session.deliver();
            Timers.Timer timer = gathering;
            if (again == WatchSession.ENDED) {
                self.stop();
            } else if (again > 0 && (timer == null || timer.remaining().isEmpty())) {
                // When its mail finds the mailbox full, that is a ring which comes here, too.
                gathering = self.sendAfter(Duration.ofNanos(again), true);
            }
        }

        @Override
        public Object describe() {
            return session.picture();
        }

        @Override
        public void terminate(ProcessContext<Boolean> self, ExitReason reason) {
            session.end(Errors.stopped());
        }
    }
}
