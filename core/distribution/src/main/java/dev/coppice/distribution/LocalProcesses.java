package dev.coppice.distribution;

import dev.coppice.kernel.ExitReason;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.ProcessRef;

/** What the distribution does to processes of this node beyond what their addresses offer. Safe for use by many threads. */
interface LocalProcesses {

    /** Casts without waiting; false when there is no room. */
    boolean offer(ProcessRef<Object> to, Object message);

    /** Waits a moment for room. */
    void pause() throws InterruptedException;

    void exitOfLink(ProcessRef<?> to, ProcessRef<?> from, ExitReason reason);

    static LocalProcesses of(Kernel kernel) {
        return new LocalProcesses() {
            @Override
            public boolean offer(ProcessRef<Object> to, Object message) {
                return kernel.offer(to, message);
            }

            @Override
            public void pause() throws InterruptedException {
                kernel.timers().sleep(java.time.Duration.ofMillis(1));
            }

            @Override
            public void exitOfLink(ProcessRef<?> to, ProcessRef<?> from, ExitReason reason) {
                kernel.exitOfLink(to, from, reason);
            }
        };
    }
}
