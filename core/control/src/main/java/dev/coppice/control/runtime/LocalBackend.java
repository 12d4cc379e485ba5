package dev.coppice.control.runtime;

import dev.coppice.control.ApiServer;
import dev.coppice.control.Authorizer;
import dev.coppice.control.ComputedSource;
import dev.coppice.control.Controller;
import dev.coppice.control.Kind;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.plan.ControllerPlans;
import dev.coppice.kernel.Supervisor;
import dev.coppice.serving.Identity;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** The resource API of this process. Extensions are {@code system:coppice:NAME} there, and administrators. */
record LocalBackend(ApiServer api) implements Backend {

    @Override
    public ResourceClient client(Supervisor watches, String extension) {
        Identity identity = new Identity(
                "system:coppice:" + extension, "", List.of("system:masters", "system:authenticated"), Map.of());
        return api.client(watches, identity, "coppice-" + extension);
    }

    @Override
    public void awaitServed(Kind<?, ?> kind, Duration limit) throws InterruptedException {
        CountDownLatch served = new CountDownLatch(1);
        try (var _ = api.registry().observe(snapshot -> {
            if (serves(kind)) {
                served.countDown();
            }
        })) {
            if (!serves(kind) && !served.await(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new IllegalStateException("the kind " + kind.kind() + " is not served after " + limit.toSeconds()
                        + " s; see the conditions of the CustomResourceDefinition " + kind.plural() + "."
                        + kind.group());
            }
        }
    }

    private boolean serves(Kind<?, ?> kind) {
        return api.registry().find(kind.group(), kind.version(), kind.plural()) != null;
    }

    @Override
    public void serve(Kind<?, ?> kind, ComputedSource source) {
        api.serve(kind, source);
    }

    @Override
    public void withdraw(Kind<?, ?> kind) {
        api.withdraw(kind);
    }

    @Override
    public ControllerPlans.Registration planning(Controller<?, ?> controller) {
        return api.plans().controllers().add(controller);
    }

    @Override
    public Authorizer authorizer() {
        return api.authorizer();
    }
}
