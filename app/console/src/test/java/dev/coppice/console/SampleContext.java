package dev.coppice.console;

import dev.coppice.control.Authorizer;
import dev.coppice.control.ComputedSource;
import dev.coppice.control.Controller;
import dev.coppice.control.ExtensionContext;
import dev.coppice.control.Informer;
import dev.coppice.control.Kind;
import dev.coppice.control.ResourceClient;
import dev.coppice.distribution.Distribution;
import dev.coppice.distribution.consensus.Consensus;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Supervisor;
import dev.coppice.serving.Console;
import dev.coppice.serving.Identity;
import dev.coppice.serving.Routes;
import dev.coppice.store.coordination.Coordination;
import java.nio.file.Path;

/** What the extension gets, around fakes. */
record SampleContext(Kernel kernel, ResourceClient resources, Console console) implements ExtensionContext {
    private static final UnsupportedOperationException UNUSED =
            new UnsupportedOperationException("not used by the console");

    @Override
    public Supervisor supervisor() {
        return kernel.root();
    }

    @Override
    public Distribution distribution() {
        throw UNUSED;
    }

    @Override
    public Consensus consensus() {
        throw UNUSED;
    }

    @Override
    public void register(Kind<?, ?> kind) {
        throw UNUSED;
    }

    @Override
    public void serve(Kind<?, ?> kind, ComputedSource source) {
        throw UNUSED;
    }

    @Override
    public void start(Controller<?, ?> controller) {
        throw UNUSED;
    }

    @Override
    public <S extends Record, T extends Record> Informer<S, T> informer(Kind<S, T> kind) {
        throw UNUSED;
    }

    /** The user admin may do everything, others may see namespaces. */
    @Override
    public Authorizer authorizer() {
        return new Authorizer() {
            @Override
            public Decision authorize(Identity identity, Action action) {
                return new Decision(
                        identity.name().equals("admin") || action.resource().equals("namespaces"), "");
            }

            @Override
            public Decision authorizePath(Identity identity, String verb, String path) {
                return new Decision(identity.name().equals("admin"), "");
            }
        };
    }

    @Override
    public Routes routes() {
        throw UNUSED;
    }

    @Override
    public Routes publicRoutes() {
        throw UNUSED;
    }

    @Override
    public Coordination coordination() {
        throw UNUSED;
    }

    @Override
    public Path dataDirectory() {
        throw UNUSED;
    }
}
