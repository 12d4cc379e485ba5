package dev.coppice.control;

import dev.coppice.control.access.AccessReviews;
import dev.coppice.control.access.BearerTokens;
import dev.coppice.control.access.RequestAuthenticator;
import dev.coppice.control.access.RequestLimits;
import dev.coppice.control.access.RoleAuthorizer;
import dev.coppice.control.access.ServiceAccountTokens;
import dev.coppice.control.admission.AdmissionOrder;
import dev.coppice.control.admission.TypeChecker;
import dev.coppice.control.audit.AuditLog;
import dev.coppice.control.engine.Engine;
import dev.coppice.control.engine.FieldManagers;
import dev.coppice.control.engine.Reader;
import dev.coppice.control.history.History;
import dev.coppice.control.history.Journal;
import dev.coppice.control.history.JournalRetention;
import dev.coppice.control.http.ApiHandler;
import dev.coppice.control.http.OpenApi;
import dev.coppice.control.http.ResourceHandler;
import dev.coppice.control.http.TokenIssuer;
import dev.coppice.control.keys.EncryptionKeys;
import dev.coppice.control.keys.KeysHandler;
import dev.coppice.control.keys.SigningKeys;
import dev.coppice.control.lifecycle.Bootstrap;
import dev.coppice.control.lifecycle.CustomTypes;
import dev.coppice.control.lifecycle.Lifecycle;
import dev.coppice.control.oidc.OidcTokens;
import dev.coppice.control.plan.ControllerPlans;
import dev.coppice.control.plan.Plans;
import dev.coppice.control.process.ProcessSource;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.BuiltInSchemas;
import dev.coppice.control.resource.BuiltIns;
import dev.coppice.control.resource.ComputedDefinition;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.Registry;
import dev.coppice.control.runtime.LocalResourceClient;
import dev.coppice.control.storage.ObjectStore;
import dev.coppice.control.storage.Sealer;
import dev.coppice.control.storage.WatchFeed;
import dev.coppice.control.webhook.WebhookClient;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.serving.Authenticator;
import dev.coppice.serving.Handler;
import dev.coppice.serving.Identity;
import dev.coppice.serving.RelayedRequest;
import dev.coppice.serving.Routes;
import dev.coppice.store.Keyspace;
import dev.coppice.store.StoreException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The resource API of a node: Kubernetes' API over a keyspace. Made once; {@link #start} runs its background work below a
 * supervisor and fills in what has to be there; {@link #mount} serves it on a listener. Safe for use by many threads.
 */
public final class ApiServer {
    private static final int MOST_REQUESTS = 600;
    private static final Logger LOG = System.getLogger(ApiServer.class.getName());
    private static final Duration KEYS_BEAT = Duration.ofSeconds(5);
    private static final Duration EXCHANGE_BEAT = Duration.ofSeconds(2);
    private static final Duration COMPACTION_BEAT = Duration.ofMinutes(5);
    private static final Duration JOURNAL_BEAT = Duration.ofSeconds(30);
    private static final Duration BOOTSTRAP_PAUSE = Duration.ofMillis(500);
    private static final int BOOTSTRAP_ATTEMPTS = 20;

    private static final Identity CONTROLLERS = new Identity(
            "system:kube-controller-manager", "", List.of("system:masters", "system:authenticated"), Map.of());

    private final Kernel kernel;
    private final Keyspace keyspace;
    private final Registry registry = new Registry();
    private final WatchFeed feed;
    private final Engine engine;
    private final Reader reader;
    private final RoleAuthorizer authorizer;
    private final BearerTokens tokens = new BearerTokens();
    private final RequestAuthenticator authenticator;
    private final CustomTypes customTypes;
    private final AuditLog audit;
    private final @Nullable OidcTokens issuer;
    private final EncryptionKeys encryptionKeys;
    private final SigningKeys signingKeys;
    private final ApiHandler handler;
    private final JournalRetention retention;
    private final History history;
    private final Plans plans;
    private volatile boolean ready;
    /** Whether the cluster's controllers run here. */
    private volatile boolean leading;

    private @Nullable Supervisor control;
    private long compactNext;

    /**
     * An API server.
     *
     * @param keyspace its own; nothing else may write there
     * @param directory where its keys are kept
     */
    public ApiServer(Kernel kernel, Keyspace keyspace, Path directory) {
        this(kernel, keyspace, directory, ApiOptions.DEFAULT);
    }

    /**
     * An API server.
     *
     * @throws IllegalArgumentException when {@link ApiOptions#check} finds something wrong
     */
    public ApiServer(Kernel kernel, Keyspace keyspace, Path directory, ApiOptions options) {
        this.kernel = kernel;
        this.audit = AuditLog.of(kernel, options.audit());
        this.issuer = OidcTokens.of(kernel, options.oidc()).orElse(null);
        this.keyspace = keyspace;
        Sealer sealer = Sealer.open(kernel, directory);
        ObjectStore store = new ObjectStore(keyspace, sealer, kernel.clock());
        this.encryptionKeys = new EncryptionKeys(kernel, keyspace, store, sealer, directory, this::sealedPrefixes);
        this.signingKeys = new SigningKeys(kernel, keyspace, directory);
        this.feed = new WatchFeed(kernel, store);
        Journal journal = new Journal(kernel, keyspace, sealer);
        this.retention = new JournalRetention(kernel, journal, options.journal());
        feed.apart(Journal.PREFIX, retention::written);
        this.engine = new Engine(kernel, store, feed, new FieldManagers(registry), journal);
        this.reader = new Reader(feed, store);
        BuiltIns builtIns =
                new BuiltIns(BuiltInSchemas::of, (prefix, namespaced) -> feed.cache(prefix, namespaced, tree -> tree));
        registry.put("built-in", builtIns.definitions());
        this.authorizer = new RoleAuthorizer(
                builtIn(BuiltIns.RBAC, "clusterroles").cache(),
                builtIn(BuiltIns.RBAC, "clusterrolebindings").cache(),
                builtIn(BuiltIns.RBAC, "roles").cache(),
                builtIn(BuiltIns.RBAC, "rolebindings").cache());
        ServiceAccountTokens accountTokens =
                new ServiceAccountTokens(kernel, signingKeys, builtIn("", "serviceaccounts"));
        this.authenticator = new RequestAuthenticator(tokens, accountTokens::identify, issuer);
        AccessReviews reviews = new AccessReviews(authorizer, authenticator, accountTokens, engine);
        WebhookClient webhookClient =
                new WebhookClient(kernel, builtIn("", "services"), builtIn("discovery.k8s.io", "endpointslices"));
        this.customTypes = new CustomTypes(
                engine, registry, feed, builtIn("apiextensions.k8s.io", "customresourcedefinitions"), webhookClient);
        AdmissionOrder.install(engine, registry, authorizer, webhookClient);
        this.history = new History(engine, registry, authorizer, journal);
        this.plans = new Plans(engine, registry, webhookClient, new ControllerPlans(kernel), () -> leading);
        this.handler = new ApiHandler(
                registry,
                authorizer,
                new ResourceHandler(engine, reader, reviews::create, history),
                new OpenApi(registry),
                this::ready,
                new RequestLimits(kernel.metrics(), MOST_REQUESTS),
                audit,
                new TokenIssuer(ServiceAccountTokens.ISSUER, signingKeys::keySet),
                plans);
        serve(ProcessSource.KIND, new ProcessSource(kernel));
    }

    private List<String> sealedPrefixes() {
        Stream<String> objects =
                registry.snapshot().all().stream().filter(Definition::sealed).map(Definition::storagePrefix);
        return Stream.concat(objects, Stream.of(Journal.SEALED)).distinct().toList();
    }

    private Definition builtIn(String group, String plural) {
        return Objects.requireNonNull(registry.find(group, "v1", plural), plural);
    }

    /** Starts all background work and makes the default namespaces and roles; returns once requests can be served. */
    public void start(Supervisor supervisor) throws StartException {
        serve(supervisor);
        lead();
    }

    /**
     * Starts what every node of a cluster runs; the rest runs between {@link #lead} and {@link #follow}, on one node at a time.
     */
    public void serve(Supervisor supervisor) throws StartException {
        control = supervisor;
        for (ChildSpec sink : audit.children()) {
            var unused = supervisor.start(sink);
        }
        if (issuer != null) {
            var unusedIssuer = supervisor.start(issuer.child());
        }
        var unusedKeys =
                supervisor.start(ChildSpec.periodic("shared-keys", KEYS_BEAT, Duration.ZERO, this::refreshKeys));
        var unusedFeed = supervisor.start(ChildSpec.task("watch-feed", feed::run));
        bootstrap();
        var unusedTypes = supervisor.start(ChildSpec.task("custom-types", customTypes::run));
        ready = true;
    }

    /** What is there already is left as it is, so that it may be done again when the store had no leader for a moment. */
    private void bootstrap() {
        for (int attempt = 1; ; attempt++) {
            try {
                retention.begin();
                new Bootstrap(engine, registry).run();
                return;
            } catch (ApiException e) {
                if (!Statuses.isUnavailable(e) || attempt == BOOTSTRAP_ATTEMPTS) {
                    throw e;
                }
                try {
                    kernel.timers().sleep(BOOTSTRAP_PAUSE);
                } catch (InterruptedException stopped) {
                    Thread.currentThread().interrupt();
                    throw e;
                }
            }
        }
    }

    /** Starts the controllers that every cluster has, and compaction. */
    public synchronized void lead() throws StartException {
        Supervisor supervisor = Objects.requireNonNull(control, "not started");
        Supervisor lifecycle = supervisor.startSupervisor("lifecycle", SupervisorOptions.DEFAULT);
        try {
            Lifecycle.start(
                    kernel,
                    lifecycle,
                    client(lifecycle, CONTROLLERS, "kube-controller-manager"),
                    new TypeChecker(registry));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartException("interrupted while the lifecycle controllers started", e);
        }
        leading = true;
        compactNext = 0;
        var unusedExchange =
                supervisor.start(ChildSpec.periodic("key-exchange", EXCHANGE_BEAT, Duration.ZERO, this::exchangeKeys));
        var unusedCompaction =
                supervisor.start(ChildSpec.periodic("compaction", COMPACTION_BEAT, COMPACTION_BEAT, this::compact));
        retention.recount();
        var unusedTrimming =
                supervisor.start(ChildSpec.periodic("journal", JOURNAL_BEAT, JOURNAL_BEAT, retention::trim));
    }

    /** Ends what {@link #lead} started. */
    public synchronized void follow() {
        leading = false;
        Supervisor supervisor = control;
        if (supervisor != null) {
            boolean _ = supervisor.stop("journal");
            boolean _ = supervisor.stop("compaction");
            boolean _ = supervisor.stop("key-exchange");
            boolean _ = supervisor.stop("lifecycle");
        }
    }

    private void refreshKeys() {
        try {
            encryptionKeys.refresh();
            signingKeys.refresh();
        } catch (StoreException | ApiException e) {
            LOG.log(Level.DEBUG, "the shared keys are looked at again later", e);
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "the shared keys cannot be taken over", e);
        }
    }

    private void exchangeKeys() throws InterruptedException {
        try {
            encryptionKeys.step();
            signingKeys.step();
        } catch (StoreException | ApiException e) {
            LOG.log(Level.DEBUG, "the exchange of keys goes on later", e);
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "the exchange of keys does not go on", e);
        }
    }

    /** Forgets history, but what the last beat still needed. */
    private void compact() {
        long due = compactNext;
        compactNext = keyspace.revision();
        if (due > keyspace.compactedRevision()) {
            var unused = keyspace.compact(dev.coppice.store.api.CompactionRequest.newBuilder()
                    .setRevision(due)
                    .build());
        }
    }

    /**
     * Serves a read-only kind whose objects are made when somebody asks, until {@link #withdraw}.
     *
     * @throws IllegalArgumentException when a kind of that name is served already
     */
    public void serve(Kind<?, ?> kind, ComputedSource source) {
        if (registry.find(kind.group(), kind.version(), kind.plural()) != null) {
            throw new IllegalArgumentException(
                    kind.plural() + "." + kind.group() + " is served already; name it apart");
        }
        registry.put(computedSet(kind), List.of(ComputedDefinition.of(kind, source)));
    }

    /** Serves a kind no more that {@link #serve} made known. */
    public void withdraw(Kind<?, ?> kind) {
        registry.put(computedSet(kind), List.of());
    }

    private static String computedSet(Kind<?, ?> kind) {
        return "computed " + kind.plural() + "." + kind.group();
    }

    /** Serves the API on a listener that uses {@link #authenticator}. */
    public List<Routes.Mount> mount(Routes routes) {
        List<Routes.Mount> mounts = new ArrayList<>();
        for (String prefix : List.of("/api", "/apis", "/openapi", "/version", "/healthz", "/livez", "/readyz", "/")) {
            mounts.add(routes.mount(prefix, handler::handle));
        }
        mounts.add(routes.mount(KeysHandler.PATH, guarded(new KeysHandler(encryptionKeys, signingKeys))));
        return mounts;
    }

    /** Answers what a part of this process asks for somebody, as if it had come to a listener: checked, limited and recorded. */
    public RelayedRequest.Answer answer(RelayedRequest request, Identity identity) throws Exception {
        return request.ask(handler::handle, identity);
    }

    /** A handler beside the API for those only who may use its path; impersonation is resolved. */
    public Handler guarded(Handler handler) {
        return this.handler.guarded(handler);
    }

    /** Routes beside the API, whose handlers see who a request is to be treated as. */
    public Routes impersonating(Routes routes) {
        return (prefix, other) -> routes.mount(prefix, handler.impersonating(other));
    }

    /** Finds out who asks: tokens, service accounts, client certificates. */
    public Authenticator authenticator() {
        return exchange -> {
            try {
                return authenticator.authenticate(exchange);
            } catch (Authenticator.UnauthenticatedException e) {
                handler.refused(exchange);
                throw e;
            }
        };
    }

    /** Makes a bearer token known. */
    public void addToken(String name, String token, Identity identity) {
        tokens.put(name, token, identity);
    }

    /** The API from inside this process, acting as {@code identity}; its watches run below {@code watches}. */
    public ResourceClient client(Supervisor watches, Identity identity, String fieldManager) {
        return new LocalResourceClient(kernel, watches, engine, reader, registry, identity, fieldManager);
    }

    /** What changed, as the API tells it. */
    public History history() {
        return history;
    }

    /** What applies would do. */
    public Plans plans() {
        return plans;
    }

    public Authorizer authorizer() {
        return authorizer;
    }

    public Registry registry() {
        return registry;
    }

    /** Whether it has started, and its store answers. */
    public boolean ready() {
        try {
            return ready && keyspace.revision() > 0;
        } catch (StoreException e) {
            return false;
        }
    }

    Kernel kernel() {
        return kernel;
    }

    Engine engine() {
        return engine;
    }

    Reader reader() {
        return reader;
    }
}
