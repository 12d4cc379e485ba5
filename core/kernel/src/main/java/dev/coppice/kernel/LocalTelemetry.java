package dev.coppice.kernel;

import java.lang.System.Logger.Level;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Telemetry within one kernel: each event goes to the handlers whose prefix it has, in order of subscription. */
final class LocalTelemetry implements Telemetry {
    private static final System.Logger LOG = System.getLogger(LocalTelemetry.class.getName());

    private final List<Entry> entries = new CopyOnWriteArrayList<>();
    private final KernelMetrics metrics;

    LocalTelemetry(KernelMetrics metrics) {
        this.metrics = metrics;
    }

    @Override
    @SuppressWarnings("CatchingUnchecked")
    public void emit(Event event) {
        for (Entry entry : entries) {
            if (event.name().startsWith(entry.prefix)) {
                try {
                    entry.handler.handle(event);
                } catch (Throwable t) {
                    entries.remove(entry);
                    metrics.telemetryDetached.inc();
                    if (t instanceof InterruptedException) {
                        Thread.currentThread().interrupt();
                    }
                    LOG.log(
                            Level.WARNING,
                            "telemetry handler " + entry.id + " failed at " + event.name() + " and was detached",
                            t);
                }
            }
        }
    }

    @Override
    public Subscription subscribe(String id, String prefix, Handler handler) {
        Entry entry = new Entry(id, prefix, handler);
        entries.add(entry);
        return () -> entries.remove(entry);
    }

    /** Compared by identity, so that equal subscriptions stay apart. */
    private static final class Entry {
        private final String id;
        private final String prefix;
        private final Handler handler;

        Entry(String id, String prefix, Handler handler) {
            this.id = id;
            this.prefix = prefix;
            this.handler = handler;
        }
    }
}
