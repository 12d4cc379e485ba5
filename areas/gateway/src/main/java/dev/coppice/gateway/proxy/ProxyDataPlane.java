package dev.coppice.gateway.proxy;

import dev.coppice.gateway.DataPlane;
import dev.coppice.gateway.authentication.SessionEnds;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.function.FunctionReading;
import dev.coppice.gateway.geography.LocationDatabases;
import dev.coppice.gateway.resilience.UpstreamReading;
import dev.coppice.gateway.route.RoutingTable;
import dev.coppice.gateway.share.LimitSharing;
import dev.coppice.gateway.tap.Taps;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Clock;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Service;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.EventExecutor;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Serves HTTP/1.1, HTTP/2, streams and datagrams as configured, on event loops of its own. A change of routes is one write of a reference to a table that was
 * compiled beforehand: requests that are on their way keep the rule that they were given. Safe for use by many threads.
 */
public final class ProxyDataPlane implements DataPlane {
    private static final System.Logger LOG = System.getLogger(ProxyDataPlane.class.getName());
    private static final int BACKLOG = 4096;
    private static final int LOCATIONS_PART_OF_HEAP = 4;
    private static final int BODIES_PART_OF_HEAP = 16;
    /** Files that are read at one time. */
    private static final int FILES = 16;
    /** Files that are open, however slowly their clients take them: what a process may open is needed for connections, too. */
    private static final int MOST_OPEN_FILES = 1024;

    private static final Duration LOOK_WHILE_DRAINING = Duration.ofMillis(20);

    final Clock clock;
    final ProxyOptions options;
    final ProxyMetrics metrics;
    final Observations observations;
    final Contents contents = new Contents();
    final RouteFilters filters;
    final HeldBodies heldBodies = new HeldBodies(Runtime.getRuntime().maxMemory() / BODIES_PART_OF_HEAP);
    final EndlessCalls endlessCalls =
            new EndlessCalls(Math.max(1, Runtime.getRuntime().availableProcessors() / 2));
    final Functions functions;
    /** For what waits for a disk. */
    final Executor disk;

    final RateLimits limits;
    final AccessPolicies access;
    final WebSockets webSockets;
    final AnswerCache cache;
    final Transcoders transcoders = new Transcoders();
    final Overload overload;
    final LocationDatabases locations;
    final Taps taps;
    final Transport transport = Transport.best();
    /** The figures of requests that no route wanted. */
    final ProxyMetrics.PerRoute unrouted;

    private final GuardMetrics guards;
    final Kernel kernel;
    private final BalanceMetrics balanceMetrics;
    private final HealthChecker healthChecker = new HealthChecker(this::loopFor);
    private final Upkeep upkeep;
    private final Upstream.Shared shared;
    final Semaphore openFiles = new Semaphore(MOST_OPEN_FILES);
    private final AtomicInteger connections = new AtomicInteger();
    private final Map<String, Upstream> upstreams = new HashMap<>();
    private final Map<Binding, Port> ports = new HashMap<>();
    private final Map<EventExecutor, EventLoopState> states = new ConcurrentHashMap<>();
    private final TlsContexts tls = new TlsContexts();
    private final ChallengeContexts challengeContexts;
    private final Authorities authorities = new Authorities();
    private GatewayConfig config = GatewayConfig.EMPTY;
    private volatile Set<Binding> lost = Set.of();
    private volatile Runnable functionsChanged = () -> {};
    private @Nullable EventLoopGroup loops;

    /** Starts a data plane below a supervisor; it serves nothing yet. */
    public ProxyDataPlane(Kernel kernel, Supervisor supervisor, ProxyOptions options) throws StartException {
        this(kernel, supervisor, options, kernel.metrics());
    }

    /** @param registry where it counts */
    ProxyDataPlane(Kernel kernel, Supervisor supervisor, ProxyOptions options, PrometheusRegistry registry)
            throws StartException {
        this.kernel = kernel;
        this.challengeContexts = new ChallengeContexts(kernel);
        this.clock = kernel.clock();
        this.options = options;
        this.metrics = new ProxyMetrics(registry);
        this.unrouted = metrics.route("");
        this.limits = new RateLimits(kernel, registry, options.limitSecret());
        this.access = new AccessPolicies(kernel, supervisor, options.endedSessions(), registry);
        this.functions = new Functions(kernel, supervisor, registry, () -> functionsChanged.run());
        this.filters = new RouteFilters(supervisor.executor("filters"), metrics.filterCalls, functions, endlessCalls);
        metrics.watch(heldBodies, endlessCalls, filters.contents);
        this.disk = supervisor.executor("files", FILES);
        this.webSockets = new WebSockets(registry, options.tunnelIdle().toNanos());
        this.cache = new AnswerCache(options.maxCacheBytes(), registry);
        this.taps = new Taps(registry);
        this.guards = new GuardMetrics(registry, this::upstreams);
        this.overload = new Overload(options.overload(), registry, clock.nanoTime());
        this.observations = new Observations(this, supervisor, options.accessLog(), registry);
        this.locations = new LocationDatabases(
                options.geography(), Runtime.getRuntime().maxMemory() / LOCATIONS_PART_OF_HEAP, registry);
        this.balanceMetrics = new BalanceMetrics(registry);
        this.upkeep = new Upkeep(kernel.timers(), healthChecker, this::upkeepFault);
        this.shared = new Upstream.Shared(
                metrics,
                balanceMetrics,
                guards,
                authorities,
                clock,
                kernel.random(),
                upkeep::wake,
                access::credentials);
        supervisor.start(ChildSpec.task("upkeep", upkeep::run));
        if (!options.geography().isEmpty()) {
            supervisor.start(
                    ChildSpec.periodic("locations", LocationDatabases.LOOK, LocationDatabases.LOOK, locations::look));
        }
        supervisor.start(ChildSpec.service("data-plane", Engine::new));
    }

    /** The event loops, and everything on them; a new one takes over what is configured. */
    private final class Engine implements Service {
        @Override
        public void start(Failure failure) {
            int threads =
                    options.loops() > 0 ? options.loops() : Runtime.getRuntime().availableProcessors();
            EventLoopGroup group = new MultiThreadIoEventLoopGroup(
                    threads, new DefaultThreadFactory("coppice-gateway", true), transport.io());
            for (EventExecutor each : group) {
                states.put(
                        each,
                        new EventLoopState(
                                ProxyDataPlane.this,
                                (EventLoop) each,
                                kernel.random().nextLong()));
            }
            synchronized (ProxyDataPlane.this) {
                loops = group;
            }
            Map<Binding, String> failures = again();
            failures.forEach((binding, why) ->
                    LOG.log(System.Logger.Level.WARNING, "{0}:{1}: {2}", binding.address(), binding.port(), why));
        }

        @Override
        public void stop() throws InterruptedException {
            EventLoopGroup group;
            synchronized (ProxyDataPlane.this) {
                group = loops;
                loops = null;
                ports.values().forEach(ProxyDataPlane::unbind);
                ports.clear();
            }
            if (group == null) {
                return;
            }
            onLoops(EventLoopState::closeAll);
            // Clients hear that they are closed in tasks of their own; what is told of them comes then.
            onLoops(EventLoopState::flush);
            states.clear();
            healthChecker.restart();
            overload.forgetLoops();
            boolean _ = group.shutdownGracefully(0, 2, TimeUnit.SECONDS).await(5, TimeUnit.SECONDS);
        }
    }

    @Override
    public void drain(Duration limit) throws InterruptedException {
        List<Port> gone;
        synchronized (this) {
            gone = List.copyOf(ports.values());
            gone.forEach(ProxyDataPlane::unbind);
            ports.clear();
        }
        onLoops(state -> gone.forEach(state::drain));
        long end = clock.nanoTime() + limit.toNanos();
        while (open().exchanges() > 0 && clock.nanoTime() - end < 0) {
            kernel.timers().sleep(LOOK_WHILE_DRAINING);
        }
    }

    /** Takes its metrics out; its supervisor stops the rest. */
    @Override
    public void close() {
        metrics.close();
        functions.close();
        balanceMetrics.close();
        limits.close();
        access.close();
        webSockets.close();
        cache.close();
        guards.close();
        overload.close();
        locations.close();
        observations.close();
        taps.close();
    }

    /** Serves on new event loops what there is to serve. */
    private synchronized Map<Binding, String> again() {
        Map<Binding, String> failures = apply(config);
        lost = Set.copyOf(failures.keySet());
        return failures;
    }

    @Override
    public Set<Binding> lost() {
        return lost;
    }

    @Override
    public synchronized Map<Binding, String> apply(GatewayConfig next) {
        GatewayConfig before = config;
        config = next;
        lost = Set.of();
        try {
            return serve(next);
        } catch (RuntimeException e) {
            // New event loops would otherwise begin with what cannot be served.
            config = before;
            throw e;
        }
    }

    private Map<Binding, String> serve(GatewayConfig next) {
        EventLoopGroup group = loops;
        if (group == null) {
            return Map.of();
        }
        Map<String, Upstream> kept = new HashMap<>();
        for (UpstreamConfig each : next.upstreams()) {
            Upstream upstream = upstreams.computeIfAbsent(each.name(), name -> new Upstream(name, shared));
            upstream.update(each);
            kept.put(each.name(), upstream);
        }
        kept.values().forEach(each -> each.findFallback(kept::get));
        upkeep.update(kept.values());
        limits.update(next.limits());
        access.update(next.security(), kept::get);
        observations.update(next.observations(), kept::get);
        contents.update(next.contents());
        filters.update(next.filters());
        webSockets.update(next.listeners());
        transcoders.update(next.transcodings());
        Map<Binding, List<ListenerConfig>> wanted = new LinkedHashMap<>();
        for (ListenerConfig each : next.listeners()) {
            wanted.computeIfAbsent(Binding.of(each), _ -> new ArrayList<>()).add(each);
        }
        Map<Binding, String> failures = new HashMap<>();
        List<Port> gone = new ArrayList<>();
        Map<String, String> namespaces = Consumers.namespaces(next.clientNamespaces());
        wanted.forEach((binding, listeners) -> {
            String failure = serve(group, binding, listeners, kept::get, namespaces, gone);
            if (failure != null) {
                failures.put(binding, failure);
            }
        });
        tls.sweep();
        challengeContexts.sweep();
        ports.values().removeIf(each -> {
            boolean over = !wanted.containsKey(each.binding());
            if (over) {
                gone.add(each);
            }
            return over;
        });
        upstreams.forEach((name, upstream) -> {
            if (!kept.containsKey(name)) {
                upstream.retire();
            }
        });
        upstreams.keySet().retainAll(kept.keySet());
        gone.forEach(ProxyDataPlane::unbind);
        Set<Upstream> current = Set.copyOf(kept.values());
        onLoops(state -> {
            state.configChanged(current);
            gone.forEach(state::drain);
        });
        balanceMetrics.keepOnly(Set.copyOf(kept.keySet()));
        Set<String> routes = next.listeners().stream()
                .flatMap(each -> each.routes().stream())
                .map(each -> each.namespace() + "/" + each.name())
                .collect(Collectors.toSet());
        metrics.keepOnly(routes, Set.copyOf(kept.keySet()));
        // Also of ports that go on as they were, since what was to come cannot be served.
        cache.changed(
                routes,
                ports.values().stream()
                        .flatMap(each -> each.routing().regions().stream())
                        .collect(Collectors.toSet()));
        guards.keepOnly(Set.copyOf(kept.keySet()));
        return failures;
    }

    /** Serves the listeners of one address and port; says why that cannot be done. What was served there then goes on. */
    private @Nullable String serve(
            EventLoopGroup group,
            Binding binding,
            List<ListenerConfig> listeners,
            Function<String, @Nullable Upstream> to,
            Map<String, String> namespaces,
            List<Port> gone) {
        Map<ListenerConfig, TlsContexts.Certificates> certificates = new IdentityHashMap<>();
        for (ListenerConfig each : listeners) {
            try {
                if (each.tls() != null) {
                    certificates.put(each, tls.of(each.tls(), each.protocol() == ListenerConfig.Protocol.TLS));
                }
            } catch (IOException e) {
                return each.gateway() + ", listener " + each.name() + ": " + e.getMessage();
            }
        }
        Port.Kind kind = Port.Kind.of(listeners);
        // One that waits for its certificate takes no traffic from another that serves the name.
        Map<String, List<ListenerConfig>> byConsumers = listeners.stream()
                .filter(each -> each.protocol() != ListenerConfig.Protocol.CHALLENGE)
                .collect(Collectors.groupingBy(ListenerConfig::consumers));
        RoutingTable<RuleAction> table = table(byConsumers.getOrDefault("", List.of()), to);
        byConsumers.remove("");
        Port.Routing routing = new Port.Routing(
                table,
                byConsumers.isEmpty()
                        ? null
                        : new Consumers(
                                namespaces,
                                byConsumers.entrySet().stream()
                                        .collect(Collectors.toUnmodifiableMap(
                                                Map.Entry::getKey, each -> table(each.getValue(), to)))),
                certificates,
                told(listeners),
                config.challenges().isEmpty()
                        ? null
                        : PendingChallenges.of(
                                config.challenges(), listeners, kind == Port.Kind.SECURE, challengeContexts),
                TrustedProxies.of(listeners),
                LocationHeaders.of(listeners, locations),
                cache.taken());
        Port port = ports.get(binding);
        if (port != null && port.kind() == kind) {
            port.route(routing);
            return null;
        }
        if (port != null) {
            gone.add(port);
            unbind(port);
            // A selector gives a closed socket back with its next round.
            onLoops(_ -> {});
            onLoops(_ -> {});
        }
        Port opened = new Port(binding, kind, routing, metrics);
        String failure = bind(group, opened);
        if (failure == null) {
            ports.put(binding, opened);
        } else {
            ports.remove(binding);
        }
        return failure;
    }

    private RoutingTable<RuleAction> table(List<ListenerConfig> listeners, Function<String, @Nullable Upstream> to) {
        return new RoutingTable<>(
                listeners, (listener, route, rule) -> new RuleAction(listener, route, rule, to, this));
    }

    private Map<ListenerConfig, Observation> told(List<ListenerConfig> listeners) {
        Map<ListenerConfig, Observation> all = new IdentityHashMap<>();
        listeners.forEach(each -> all.put(each, observations.of(each)));
        return all;
    }

    private @Nullable String bind(EventLoopGroup group, Port port) {
        Binding binding = port.binding();
        InetSocketAddress address;
        try {
            address = new InetSocketAddress(InetAddress.ofLiteral(binding.address()), binding.port());
        } catch (IllegalArgumentException e) {
            return "\"" + binding.address() + "\" is no IP address";
        }
        ChannelFuture bound = (port.kind() == Port.Kind.DATAGRAMS
                        ? datagrams(group, port, address)
                        : streams(group, port, address))
                .awaitUninterruptibly();
        if (bound.isSuccess()) {
            port.bound(bound.channel());
            return null;
        }
        Throwable cause = bound.cause();
        return cause == null ? "it could not be bound" : String.valueOf(cause.getMessage());
    }

    private ChannelFuture datagrams(EventLoopGroup group, Port port, InetSocketAddress address) {
        // All datagrams of a port come on one loop, which has its clients.
        EventLoop loop = group.next() instanceof EventLoop one ? one : null;
        EventLoopState state = loop == null ? null : states.get(loop);
        if (loop == null || state == null) {
            throw new IllegalStateException("an event loop without state");
        }
        return new Bootstrap()
                .group(loop)
                .channelFactory(transport.datagrams())
                .handler(new DatagramRelay(state, port))
                .bind(address);
    }

    private ChannelFuture streams(EventLoopGroup group, Port port, InetSocketAddress address) {
        return new ServerBootstrap()
                .group(group)
                .channelFactory(transport.server())
                .option(ChannelOption.SO_BACKLOG, BACKLOG)
                .option(ChannelOption.SO_REUSEADDR, true)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        accepted(port, channel);
                    }
                })
                .bind(address);
    }

    private void accepted(Port port, Channel channel) {
        EventLoopState state = states.get(channel.eventLoop());
        if (state == null || connections.incrementAndGet() > options.maxConnections()) {
            if (state != null) {
                connections.decrementAndGet();
                metrics.refused.labelValues("connections").inc();
            }
            var _ = channel.close();
            return;
        }
        var _ = channel.closeFuture().addListener(_ -> connections.decrementAndGet());
        TrustedProxies proxies = port.routing().proxies();
        if (proxies == null) {
            speak(state, port, channel);
        } else if (channel.remoteAddress() instanceof InetSocketAddress peer && proxies.trust(peer.getAddress())) {
            channel.pipeline()
                    .addLast(new ProxyHeaderReader(this, proxies.optional(), () -> speak(state, port, channel)));
        } else if (proxies.optional()) {
            speak(state, port, channel);
        } else {
            metrics.refused.labelValues("proxy-untrusted").inc();
            var _ = channel.close();
        }
    }

    /** From here on the client itself speaks. */
    private void speak(EventLoopState state, Port port, Channel channel) {
        ChannelPipeline pipeline = channel.pipeline();
        switch (port.kind()) {
            case HTTP -> http(pipeline, new ClientConnection(state, port, channel, null));
            case SECURE -> pipeline.addLast(new ServerNames(state, port));
            case STREAMS -> pipeline.addLast(new StreamConnection(state, port, channel, ""));
            case DATAGRAMS -> throw new IllegalStateException("datagrams have no connections");
        }
    }

    /** From here on the connection speaks HTTP, of which version is yet to be seen. */
    void http(ChannelPipeline pipeline, ClientConnection client) {
        pipeline.addLast(new ProtocolDetector(client));
        client.state().http1.addServer(pipeline);
        pipeline.addLast(client);
    }

    private static void unbind(Port port) {
        Channel server = port.server();
        if (server != null) {
            boolean _ = server.close().awaitUninterruptibly(5, TimeUnit.SECONDS);
        }
    }

    private void onLoops(java.util.function.Consumer<EventLoopState> action) {
        List<CompletableFuture<Void>> done = new ArrayList<>();
        for (EventLoopState each : states.values()) {
            done.add(CompletableFuture.runAsync(() -> action.accept(each), each.loop));
        }
        CompletableFuture.allOf(done.toArray(CompletableFuture[]::new)).join();
    }

    /** The port that the system chose for the only listener. */
    synchronized int boundPort() {
        Channel server = ports.values().iterator().next().server();
        return server != null && server.localAddress() instanceof InetSocketAddress bound ? bound.getPort() : 0;
    }

    /** Always the same one for an endpoint, whose connection it keeps; null when there is none now. */
    private @Nullable EventLoopState loopFor(Upstream.Target target) {
        List<EventLoopState> all = List.copyOf(states.values());
        return all.isEmpty() ? null : all.get(Math.floorMod(target.hashCode(), all.size()));
    }

    @Override
    public Map<String, FunctionReading> functions() {
        return filters.functions();
    }

    @Override
    public void whenFunctionsChange(Runnable then) {
        functionsChanged = then;
    }

    @Override
    public Map<String, String> troubles(String name) {
        Upstream upstream;
        synchronized (this) {
            upstream = upstreams.get(name);
        }
        return upstream == null ? Map.of() : upstream.troubles();
    }

    @Override
    public @Nullable LimitSharing limitSharing() {
        return limits.sharing();
    }

    @Override
    public SessionEnds sessionEnds() {
        return access.sessionEnds();
    }

    @Override
    public Taps taps() {
        return taps;
    }

    /** Any of the event loops; null while there is none. */
    @Nullable
    EventLoopState anyLoop() {
        List<EventLoopState> all = List.copyOf(states.values());
        return all.isEmpty() ? null : all.get(kernel.random().nextInt(all.size()));
    }

    @Override
    public synchronized List<UpstreamReading> upstreams() {
        long now = clock.nanoTime();
        return upstreams.values().stream().map(each -> each.guard.read(now)).toList();
    }

    /** What is open on all loops; for tests, which want nothing to be left. */
    Open open() {
        AtomicInteger clients = new AtomicInteger();
        AtomicInteger exchanges = new AtomicInteger();
        AtomicInteger toEndpoints = new AtomicInteger();
        onLoops(each -> {
            each.clients().forEach(_ -> clients.incrementAndGet());
            exchanges.addAndGet(each.activeExchanges());
            toEndpoints.addAndGet(each.openConnections());
        });
        return new Open(clients.get(), exchanges.get(), toEndpoints.get());
    }

    /** Open connections and requests. */
    record Open(int clients, int exchanges, int toEndpoints) {}

    private void upkeepFault(Throwable cause) {
        metrics.faults.inc();
        LOG.log(System.Logger.Level.ERROR, "an upstream could not be looked after; it is tried again", cause);
    }

    /** A fault of ours; the connection that it was found on is closed. */
    void unexpected(Throwable cause) {
        metrics.faults.inc();
        LOG.log(System.Logger.Level.ERROR, "a connection is closed because of a fault in the gateway", cause);
    }
}
