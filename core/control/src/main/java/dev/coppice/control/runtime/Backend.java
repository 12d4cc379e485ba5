package dev.coppice.control.runtime;

import dev.coppice.control.Authorizer;
import dev.coppice.control.ComputedSource;
import dev.coppice.control.Controller;
import dev.coppice.control.Kind;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.plan.ControllerPlans;
import dev.coppice.kernel.Supervisor;
import java.time.Duration;

/** Whose resource API extensions work with: this process's own, or a Kubernetes cluster's. Safe for use by many threads. */
public interface Backend {

    /**
     * The API for one extension.
     *
     * @param watches what its watches may run below
     * @param extension whose field manager is {@code coppice-NAME}
     */
    ResourceClient client(Supervisor watches, String extension);

    /**
     * Waits until a kind is served whose CustomResourceDefinition was applied.
     *
     * @throws IllegalStateException when it is not by then; says why
     */
    void awaitServed(Kind<?, ?> kind, Duration limit) throws InterruptedException;

    /**
     * Serves a read-only kind whose objects are made when somebody asks.
     *
     * @throws IllegalArgumentException when a kind of that name is served already
     * @throws IllegalStateException where only stored kinds can be served
     */
    void serve(Kind<?, ?> kind, ComputedSource source);

    /** Ends what {@link #serve} began. */
    void withdraw(Kind<?, ?> kind);

    /** Lets plans ask a controller what it would do, until the result is closed; where no plans are made, nobody asks. */
    default ControllerPlans.Registration planning(Controller<?, ?> controller) {
        return () -> {};
    }

    Authorizer authorizer();
}
