package dev.coppice.server;

import dev.coppice.control.ApiServer;
import dev.coppice.control.Extension;
import dev.coppice.control.runtime.ExtensionHost;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Task;
import dev.coppice.store.Store;
import dev.coppice.store.StoreException;
import java.time.Duration;
import java.util.function.Supplier;

/**
 * What one node of a cluster does for all: the controllers of the resource API, and the areas. It is the node whose store
 * leads; when another one leads, this one stops first, and the other starts a moment later. Two may overlap while a leader
 * is cut off and does not know it yet, for about an election's time; what they write is guarded by resource versions.
 */
final class LeaderDuties implements Task {

    private static final Duration LOOK = Duration.ofMillis(100);

    private final Kernel kernel;
    private final Store store;
    private final ApiServer api;
    private final ExtensionHost extensions;
    private final Supplier<Extension> area;
    private String running = "";
    private boolean leading;

    LeaderDuties(Kernel kernel, Store store, ApiServer api, ExtensionHost extensions, Supplier<Extension> area) {
        this.kernel = kernel;
        this.store = store;
        this.api = api;
        this.extensions = extensions;
        this.area = area;
    }

    /** Before the node is ready, so that a leader is ready with everything. */
    void startFirst() throws StartException {
        look();
    }

    /** Runs for ever. When it breaks, all of it ends, and it begins anew. */
    @Override
    public void run() throws Exception {
        try {
            while (true) {
                look();
                kernel.timers().sleep(LOOK);
            }
        } finally {
            end();
        }
    }

    private boolean leads() {
        try {
            return store.log().leading();
        } catch (StoreException e) {
            return false;
        }
    }

    private synchronized void look() throws StartException {
        boolean now = leads();
        if (now == leading) {
            return;
        }
        if (now) {
            leading = true;
            api.lead();
            Extension made = area.get();
            running = made.name();
            extensions.start(made);
        } else {
            end();
        }
    }

    private synchronized void end() {
        leading = false;
        if (!running.isEmpty()) {
            extensions.stop(running);
            running = "";
        }
        api.follow();
    }
}
