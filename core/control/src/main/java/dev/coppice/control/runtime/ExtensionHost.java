package dev.coppice.control.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiServer;
import dev.coppice.control.Authorizer;
import dev.coppice.control.ComputedSource;
import dev.coppice.control.Controller;
import dev.coppice.control.Extension;
import dev.coppice.control.ExtensionContext;
import dev.coppice.control.Informer;
import dev.coppice.control.Kind;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.plan.ControllerPlans;
import dev.coppice.control.resource.ComputedDefinition;
import dev.coppice.distribution.Distribution;
import dev.coppice.distribution.consensus.Consensus;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.schema.Cause;
import dev.coppice.schema.RecordSchema;
import dev.coppice.schema.Schema;
import dev.coppice.schema.rule.RuleCheck;
import dev.coppice.serving.Console;
import dev.coppice.serving.Routes;
import dev.coppice.store.Keyspace;
import dev.coppice.store.coordination.Coordination;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Runs extensions in this process, each below a supervisor of its own, {@code extensions/NAME}, so that one's failure stays
 * its own. Safe for use by many threads.
 */
public final class ExtensionHost {

    private static final System.Logger LOG = System.getLogger(ExtensionHost.class.getName());
    private static final ResourceType DEFINITIONS =
            new ResourceType("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    private static final Duration SERVED_LIMIT = Duration.ofSeconds(20);

    /** An extension that breaks again and again is restarted for long before it takes its siblings along. */
    private static final SupervisorOptions ALL = SupervisorOptions.DEFAULT.withIntensity(600, Duration.ofMinutes(10));

    private static final SupervisorOptions ONE = SupervisorOptions.DEFAULT.withIntensity(20, Duration.ofSeconds(60));

    /**
     * What all extensions share.
     *
     * @param routes of the API's listener
     * @param publicRoutes of the public listener
     * @param areas where each extension keeps its data, in a directory of its name
     * @param distribution null where there is none, as in tests; extensions that ask for it are told
     * @param consensus the same
     * @param keys the users' keyspace; null the same
     */
    public record Surroundings(
            Routes routes,
            Routes publicRoutes,
            Console console,
            Path areas,
            @Nullable Distribution distribution,
            @Nullable Consensus consensus,
            @Nullable Keyspace keys) {

        /** Without other nodes. */
        public Surroundings(Routes routes, Routes publicRoutes, Console console, Path areas) {
            this(routes, publicRoutes, console, areas, null, null, null);
        }
    }

    private final Kernel kernel;
    private final Backend backend;
    private final Surroundings surroundings;
    private final Supervisor extensions;
    private final Supervisor watches;
    private final Deque<Running> running = new ArrayDeque<>();

    /** An extension that runs, and what is to be withdrawn when it does not any more. */
    private record Running(Extension extension, List<Kind<?, ?>> computed, List<ControllerPlans.Registration> asked) {}

    /** Extensions of a node: they work with its own resource API. */
    public ExtensionHost(Kernel kernel, Supervisor parent, ApiServer api, Surroundings surroundings)
            throws StartException {
        this(kernel, parent, new LocalBackend(api), surroundings);
    }

    /** Extensions that work with the given resource API. */
    public ExtensionHost(Kernel kernel, Supervisor parent, Backend backend, Surroundings surroundings)
            throws StartException {
        this.kernel = kernel;
        this.backend = backend;
        this.surroundings = surroundings;
        this.watches = parent.startSupervisor("watches", ALL);
        this.extensions = parent.startSupervisor("extensions", ALL);
    }

    /** Starts an extension and waits until it works. */
    public void start(Extension extension) throws StartException {
        String name = extension.name();
        Supervisor supervisor = extensions.startSupervisor(name, ONE);
        Running starting = new Running(extension, new CopyOnWriteArrayList<>(), new CopyOnWriteArrayList<>());
        try {
            Path data = surroundings.areas().resolve(name);
            Files.createDirectories(data);
            extension.start(new Context(name, supervisor, data, starting));
        } catch (Exception e) {
            // What it mounted before it failed would be in the way of its next start.
            stop(starting);
            boolean _ = extensions.stop(name);
            throw new StartException("the extension " + name + " did not start: " + e.getMessage(), e);
        }
        synchronized (running) {
            running.push(starting);
        }
    }

    /**
     * Starts the extensions that are found on the class path.
     *
     * @param progress told of each before it starts
     */
    public void startFound(Consumer<String> progress) throws StartException {
        try {
            for (Extension found : ServiceLoader.load(Extension.class)) {
                progress.accept("Starting extension " + found.name());
                start(found);
            }
        } catch (ServiceConfigurationError e) {
            throw new StartException("an extension on the class path cannot be loaded: " + e.getMessage(), e);
        }
    }

    /** Stops one extension, and everything below its supervisor; nothing when it does not run. */
    public void stop(String name) {
        Running found;
        synchronized (running) {
            found = running.stream()
                    .filter(each -> each.extension().name().equals(name))
                    .findFirst()
                    .orElse(null);
            if (found == null || !running.remove(found)) {
                return;
            }
        }
        stop(found);
        boolean _ = extensions.stop(name);
    }

    /** Tells the extensions, the last one first, that they will be stopped. */
    public void stop() {
        while (true) {
            Running last;
            synchronized (running) {
                if (running.isEmpty()) {
                    return;
                }
                last = running.pop();
            }
            stop(last);
        }
    }

    private void stop(Running ending) {
        ending.computed.forEach(backend::withdraw);
        ending.asked.forEach(ControllerPlans.Registration::close);
        try {
            ending.extension.stop();
        } catch (Exception e) {
            LOG.log(Level.WARNING, "the extension " + ending.extension.name() + " did not stop cleanly", e);
        }
    }

    /** No API sees the definition of a kind that is computed; those that are registered are refused there. */
    private static void refuseInvalid(Kind<?, ?> kind) {
        JsonNode schema = definition(kind).at("/spec/versions/0/schema/openAPIV3Schema");
        List<Cause> causes = new ArrayList<>(Schema.check(schema, "openAPIV3Schema"));
        if (causes.isEmpty()) {
            causes.addAll(RuleCheck.check(Schema.ofResource(schema), "openAPIV3Schema", false));
        }
        if (!causes.isEmpty()) {
            throw new IllegalArgumentException(
                    "the schema of the kind " + kind.kind() + " is not valid: " + Cause.text(causes));
        }
    }

    private final class Context implements ExtensionContext {
        private final Supervisor supervisor;
        private final Path data;
        private final ResourceClient resources;
        private final ControllerManager manager;
        private final Running own;

        Context(String name, Supervisor supervisor, Path data, Running own) throws StartException {
            this.own = own;
            this.supervisor = supervisor;
            this.data = data;
            this.resources = backend.client(watches, name);
            this.manager = new ControllerManager(kernel, supervisor, resources);
        }

        @Override
        public Kernel kernel() {
            return kernel;
        }

        @Override
        public Supervisor supervisor() {
            return supervisor;
        }

        @Override
        public ResourceClient resources() {
            return resources;
        }

        @Override
        public void register(Kind<?, ?> kind) {
            ObjectNode _ = resources.apply(DEFINITIONS, definition(kind), "coppice", true);
            try {
                backend.awaitServed(kind, SERVED_LIMIT);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while waiting for the kind " + kind.kind(), e);
            }
        }

        @Override
        public void serve(Kind<?, ?> kind, ComputedSource source) {
            refuseInvalid(kind);
            backend.serve(kind, source);
            own.computed.add(kind);
        }

        @Override
        public void start(Controller<?, ?> controller) {
            try {
                manager.start(controller);
                own.asked.add(backend.planning(controller));
            } catch (StartException e) {
                throw new IllegalStateException(e.getMessage(), e);
            }
        }

        @Override
        public <S extends Record, T extends Record> Informer<S, T> informer(Kind<S, T> kind) {
            return manager.informer(kind);
        }

        @Override
        public Authorizer authorizer() {
            return backend.authorizer();
        }

        @Override
        public Routes routes() {
            return surroundings.routes();
        }

        @Override
        public Routes publicRoutes() {
            return surroundings.publicRoutes();
        }

        @Override
        public Console console() {
            return surroundings.console();
        }

        @Override
        public Distribution distribution() {
            return given(surroundings.distribution(), "distribution");
        }

        @Override
        public Consensus consensus() {
            return given(surroundings.consensus(), "consensus");
        }

        @Override
        public Coordination coordination() {
            return new Coordination(kernel, supervisor, given(surroundings.keys(), "keys"));
        }

        private static <T> T given(@Nullable T part, String what) {
            if (part == null) {
                throw new IllegalStateException("this host was made without " + what);
            }
            return part;
        }

        @Override
        public Path dataDirectory() {
            return data;
        }
    }

    /** The CustomResourceDefinition of a kind. */
    public static ObjectNode definition(Kind<?, ?> kind) {
        ObjectNode definition = JsonNodeFactory.instance.objectNode();
        definition.put("apiVersion", "apiextensions.k8s.io/v1").put("kind", "CustomResourceDefinition");
        ObjectNode metadata = definition.putObject("metadata").put("name", kind.plural() + "." + kind.group());
        if (!kind.annotations().isEmpty()) {
            ObjectNode annotations = metadata.putObject("annotations");
            kind.annotations().forEach(annotations::put);
        }
        if (!kind.labels().isEmpty()) {
            ObjectNode labels = metadata.putObject("labels");
            kind.labels().forEach(labels::put);
        }
        ObjectNode spec = definition.putObject("spec");
        spec.put("group", kind.group()).put("scope", kind.namespaced() ? "Namespaced" : "Cluster");
        ObjectNode names = spec.putObject("names");
        names.put("kind", kind.kind())
                .put("listKind", kind.kind() + "List")
                .put("plural", kind.plural())
                .put("singular", kind.kind().toLowerCase(Locale.ROOT));
        strings(names, "shortNames", kind.shortNames());
        strings(names, "categories", kind.categories());
        ObjectNode version = spec.putArray("versions").addObject();
        version.put("name", kind.version()).put("served", true).put("storage", true);
        version.putObject("subresources").putObject("status");
        version.putObject("schema")
                .set("openAPIV3Schema", RecordSchema.ofKind(kind.description(), kind.spec(), kind.status()));
        columns(version, kind);
        return definition;
    }

    private static void columns(ObjectNode version, Kind<?, ?> kind) {
        if (!kind.columns().isEmpty()) {
            version.set("additionalPrinterColumns", ComputedDefinition.columns(kind));
        }
    }

    private static void strings(ObjectNode object, String field, List<String> values) {
        if (!values.isEmpty()) {
            values.forEach(object.putArray(field)::add);
        }
    }
}
