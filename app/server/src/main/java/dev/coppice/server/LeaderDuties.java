package dev.coppice.server;

import dev.coppice.control.ApiServer;
import dev.coppice.control.Extension;
import dev.coppice.control.runtime.ExtensionHost;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Task;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * What one node of several does for all: the controllers of the resource API, and the areas. It is the node whose store
 * leads, or which the etcd that they share elected; when another one leads, this one stops first, and the other starts a moment later. Two may overlap while a leader
 * is cut off and does not know it yet, for about an election's time; what they write is guarded by resource versions.
 */
final class LeaderDuties implements Task {

    private static final System.Logger LOG = System.getLogger(LeaderDuties.class.getName());

    private static final Duration LOOK = Duration.ofMillis(100);

    private final Kernel kernel;
    private final BooleanSupplier leads;
    private final ApiServer api;
    private final ExtensionHost extensions;
    private final List<Supplier<Extension>> areas;
    private final List<Standby> standbys;
    private final Deque<String> running = new ArrayDeque<>();
    private boolean leading;

    /**
     * Duties that are taken up by {@link #startFirst}.
     *
     * @param leads whether this node is the one now
     * @param areas in the order in which they are started
     * @param standbys answer for the areas while it is not
     */
    LeaderDuties(
            Kernel kernel,
            BooleanSupplier leads,
            ApiServer api,
            ExtensionHost extensions,
            List<Supplier<Extension>> areas,
            List<Standby> standbys) {
        this.kernel = kernel;
        this.leads = leads;
        this.api = api;
        this.extensions = extensions;
        this.areas = List.copyOf(areas);
        this.standbys = List.copyOf(standbys);
    }

    /** Before the node is ready, so that a leader is ready with everything. What fails is tried again by {@link #run}. */
    void startFirst() {
        standbys.forEach(Standby::open);
        try {
            look();
        } catch (StartException e) {
            LOG.log(System.Logger.Level.WARNING, "the duties of the leader are begun again", e);
            end();
        }
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

    private synchronized void look() throws StartException {
        boolean now = leads.getAsBoolean();
        if (now == leading) {
            return;
        }
        if (now) {
            leading = true;
            standbys.forEach(Standby::close);
            api.lead();
            for (Supplier<Extension> area : areas) {
                Extension made = area.get();
                running.push(made.name());
                extensions.start(made);
            }
        } else {
            end();
        }
    }

    private synchronized void end() {
        leading = false;
        while (!running.isEmpty()) {
            extensions.stop(running.pop());
        }
        api.follow();
        standbys.forEach(Standby::open);
    }
}
