package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.BackendCredentials;
import dev.coppice.gateway.balance.EndpointLoad;
import dev.coppice.gateway.balance.Health;
import dev.coppice.gateway.balance.LoadBalancerFactory;
import dev.coppice.gateway.balance.LoadBalancers;
import dev.coppice.gateway.balance.Member;
import dev.coppice.gateway.balance.OutlierDetector;
import dev.coppice.gateway.balance.Plan;
import dev.coppice.gateway.balance.SlowStarts;
import dev.coppice.gateway.balance.Subsets;
import dev.coppice.gateway.config.BalanceConfig;
import dev.coppice.gateway.config.CredentialConfig;
import dev.coppice.gateway.config.HealthCheckConfig;
import dev.coppice.gateway.config.OutlierConfig;
import dev.coppice.gateway.config.ResilienceConfig;
import dev.coppice.gateway.config.TrafficConfig;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.config.UpstreamConfig.Endpoint;
import dev.coppice.gateway.config.UpstreamTlsConfig;
import dev.coppice.kernel.Clock;
import dev.coppice.kernel.OccasionalLine;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Endpoints that answer alike, as the whole data plane sees them; each event loop has connections of its own. Stays the same
 * while its endpoints change, so that routes need not be compiled again. Read by all event loops, changed by one thread at a time.
 */
final class Upstream {

    /**
     * What there is now. Immutable.
     *
     * @param plan numbers endpoints as {@code targets} has them
     * @param keys what requests have in common; null: nothing that matters
     * @param subsets null: {@code plan} is for all requests
     */
    record State(
            UpstreamConfig.Protocol protocol,
            List<Target> targets,
            Plan plan,
            @Nullable RequestKeys keys,
            @Nullable Subsets subsets) {}

    /** An endpoint; the same object as long as it is there. */
    static final class Target {
        final UpstreamConfig.Protocol protocol;
        final InetSocketAddress address;
        final ProxyMetrics.PerTarget metrics;
        /** Null: it is spoken to in the clear. */
        final @Nullable EndpointTls tls;
        /** Null: it is not told whose connections it gets. */
        final TrafficConfig.@Nullable ProxyProtocol proxyProtocol;

        private final Upstream upstream;
        private final String name;
        private final EndpointLoad load = new EndpointLoad();
        private final Health health = new Health();
        private Endpoint endpoint;
        private @Nullable HealthChecks checks;
        private boolean wasHealthy = true;
        /** When it came or recovered, for a slow start; null: it has its whole share. */
        private @Nullable Long since;

        private volatile @Nullable Tracker tracker;
        volatile boolean gone;

        Target(Upstream upstream, Endpoint endpoint, UpstreamConfig.Protocol protocol, ProxyMetrics metrics) {
            this.upstream = upstream;
            this.endpoint = endpoint;
            this.protocol = protocol;
            this.tls = upstream.tls;
            this.proxyProtocol = upstream.proxyProtocol;
            this.address = address(endpoint);
            this.name = endpoint.address() + ":" + endpoint.port();
            this.metrics = metrics.target(upstream.name);
        }

        private static InetSocketAddress address(Endpoint endpoint) {
            try {
                return new InetSocketAddress(InetAddress.ofLiteral(endpoint.address()), endpoint.port());
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(
                        "address of an endpoint: \"" + endpoint.address() + "\": expected an IP address", e);
            }
        }

        /** Who is told of requests that are sent to it; null: nobody wants to know. */
        @Nullable
        Tracker tracker() {
            return tracker;
        }

        Health health() {
            return health;
        }

        /** Whether it may get requests, unless too few may. */
        private boolean healthy() {
            Tracker told = tracker;
            return health.healthy() && (told == null || !told.ejected());
        }

        Guard guard() {
            return upstream.guard;
        }

        /** See {@link Upstream#credentials}. */
        @Nullable
        BackendCredentials credentials() {
            return upstream.credentials;
        }

        /** Tells the log why there is no TLS with it. */
        void complain(String why) {
            upstream.complaints.warn("TLS with " + upstream.name + " at " + this + " failed: " + why);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    private static final System.Logger LOG = System.getLogger(Upstream.class.getName());
    /** A slow start goes in so many steps. */
    private static final int STEPS = 20;

    final String name;
    final Guard guard;
    private final ProxyMetrics metrics;
    private final Authorities authorities;
    private final Clock clock;
    private final RandomGenerator random;
    private final Runnable wake;
    private final OccasionalLine complaints;
    private final BalanceMetrics.PerUpstream balanceMetrics;
    private volatile @Nullable Upstream fallback;
    private volatile State state;
    /** Something happened that the plan does not know of yet. */
    private volatile boolean changed;

    private @Nullable UpstreamTlsConfig tlsConfig;
    private @Nullable EndpointTls tls;
    private TrafficConfig.@Nullable ProxyProtocol proxyProtocol;
    private @Nullable TrafficConfig traffic;
    private @Nullable OutlierDetector outliers;
    private final Function<CredentialConfig, BackendCredentials> credentialed;
    private volatile @Nullable BackendCredentials credentials;
    private BalanceConfig balance = BalanceConfig.DEFAULT;
    private Set<String> absentSubsets = Set.of();
    private LoadBalancerFactory balancer = factory(balance);
    private long plannedNanos;
    private boolean starting;

    /** @param shared what all upstreams of a data plane have */
    Upstream(String name, Shared shared) {
        this.name = name;
        this.guard = new Guard(name, shared.guardMetrics(), shared.clock().nanoTime());
        this.metrics = shared.metrics();
        this.authorities = shared.authorities();
        this.clock = shared.clock();
        this.random = shared.random();
        this.wake = shared.wake();
        this.credentialed = shared.credentials();
        this.complaints = new OccasionalLine(LOG, clock);
        this.balanceMetrics = shared.balanceMetrics().upstream(name);
        this.state =
                new State(UpstreamConfig.Protocol.HTTP, List.of(), Plan.of(List.of(), balancer, balance), null, null);
    }

    /**
     * What all upstreams of a data plane have.
     *
     * @param wake has {@link #tend} called soon; may be called on any thread
     * @param credentials makes them
     */
    record Shared(
            ProxyMetrics metrics,
            BalanceMetrics balanceMetrics,
            GuardMetrics guardMetrics,
            Authorities authorities,
            Clock clock,
            RandomGenerator random,
            Runnable wake,
            Function<CredentialConfig, BackendCredentials> credentials) {}

    /** What was saved may name an algorithm that is not installed any more. */
    private static LoadBalancerFactory factory(BalanceConfig config) {
        LoadBalancerFactory found = LoadBalancers.named(config.algorithm());
        return found != null ? found : Objects.requireNonNull(LoadBalancers.named(BalanceConfig.DEFAULT.algorithm()));
    }

    /** Endpoints that get no requests, and why. */
    Map<String, String> troubles() {
        Map<String, String> all = new HashMap<>();
        for (Target each : state.targets) {
            Tracker told = each.tracker;
            if (!each.health.healthy()) {
                all.put(each.name, "unhealthy");
            } else if (told != null && told.ejected()) {
                all.put(each.name, "ejected");
            }
        }
        return all;
    }

    State state() {
        return state;
    }

    /**
     * Among which endpoints that of a request is chosen where there are subsets.
     *
     * @param headers null: there is nothing that could name one
     */
    Subsets.Named subset(Subsets subsets, @Nullable HttpHeaders headers) {
        BalanceConfig.Subset by = subsets.config();
        String name = null;
        if (headers != null) {
            name = by.header() == null
                    ? RequestKeys.cookie(headers, Objects.requireNonNull(by.cookie()))
                    : RoutedRequest.header(headers, by.header());
        }
        Subsets.Named named = name == null ? null : subsets.named(name);
        balanceMetrics.subset(named != null);
        return named == null ? subsets.otherwise() : named;
    }

    /** The header by which a request's endpoints are told apart, and so what they answer; null: none is. */
    @Nullable
    String subsetHeader() {
        Subsets subsets = state.subsets;
        if (subsets == null) {
            return null;
        }
        String header = subsets.config().header();
        return header == null ? HttpHeaderNames.COOKIE.toString() : header;
    }

    /** What sorts its endpoints, and those of its fallback; none where nothing does. */
    List<BalanceConfig.Subset> subsets() {
        List<BalanceConfig.Subset> all = new ArrayList<>(2);
        Subsets own = state.subsets;
        if (own != null) {
            all.add(own.config());
        }
        Upstream other = fallback;
        Subsets its = other == null ? null : other.state.subsets;
        if (its != null) {
            all.add(its.config());
        }
        return all;
    }

    /** An endpoint that a key belongs to had too much to do. */
    void passedOver() {
        balanceMetrics.passedOver();
    }

    /** What gets its requests when it is not there; null: nothing. */
    @Nullable
    Upstream fallback() {
        return fallback;
    }

    /** What requests have so that its endpoints know the gateway; null: nothing. */
    @Nullable
    BackendCredentials credentials() {
        return credentials;
    }

    /** Looks for its fallback among all that there are now. */
    void findFallback(Function<String, @Nullable Upstream> upstreams) {
        ResilienceConfig.Fallback config = guard.rules().config.fallback();
        fallback = config == null || config.upstream() == null ? null : upstreams.apply(config.upstream());
    }

    /** Nothing points to it any more; requests that are on their way still find its endpoints. */
    void retire() {
        state.targets.forEach(each -> each.gone = true);
    }

    /**
     * Takes over what is configured; endpoints that stay keep their connections, unless they are to be spoken to in another way.
     */
    synchronized void update(UpstreamConfig config) {
        guard.update(config.traffic() == null ? null : config.traffic().resilience(), clock.nanoTime());
        Map<String, Target> known = new HashMap<>();
        state.targets.forEach(each -> known.put(each.name, each));
        TrafficConfig.ProxyProtocol introduced =
                config.traffic() == null ? null : config.traffic().proxyProtocol();
        boolean same = config.protocol() == state.protocol
                && introduced == proxyProtocol
                && Objects.equals(config.tls(), tlsConfig);
        proxyProtocol = introduced;
        if (!same) {
            tlsConfig = config.tls();
            tls = tlsConfig == null ? null : EndpointTls.of(tlsConfig, config.protocol(), authorities, clock);
        }
        boolean first = state.targets.isEmpty();
        long now = clock.nanoTime();
        List<Target> next = new ArrayList<>();
        for (Endpoint each : config.endpoints()) {
            Target kept = same ? known.remove(each.address() + ":" + each.port()) : null;
            Target target = kept != null ? kept : new Target(this, each, config.protocol(), metrics);
            target.endpoint = each;
            if (kept == null && !first) {
                target.since = now;
            }
            next.add(target);
        }
        take(config.traffic());
        absentSubsets = config.absentSubsets();
        track(next);
        plan(config.protocol(), List.copyOf(next), now);
        known.values().forEach(each -> each.gone = true);
    }

    /** Sections that stay go on with what they know. */
    private void take(@Nullable TrafficConfig now) {
        OutlierConfig before = traffic == null ? null : traffic.outliers();
        OutlierConfig wanted = now == null ? null : now.outliers();
        if (!Objects.equals(before, wanted)) {
            outliers = wanted == null ? null : new OutlierDetector(wanted, new Ejections());
        }
        CredentialConfig shown = now == null ? null : now.credentials();
        if (!Objects.equals(traffic == null ? null : traffic.credentials(), shown)) {
            credentials = shown == null ? null : credentialed.apply(shown);
        }
        traffic = now;
        balance = now == null || now.balance() == null ? BalanceConfig.DEFAULT : now.balance();
        balancer = factory(balance);
    }

    /** What is counted and checked of each endpoint. */
    private void track(List<Target> targets) {
        HealthCheckConfig check = traffic == null ? null : traffic.healthCheck();
        OutlierDetector detector = outliers;
        List<OutlierDetector.Endpoint> watched = new ArrayList<>();
        long decayNanos = balancer.latencies() ? balance.decayNanos() : 0;
        for (Target each : targets) {
            Tracker told = each.tracker;
            OutlierDetector.Endpoint known = told == null ? null : told.outlier();
            OutlierDetector.Endpoint outlier =
                    detector == null ? null : known != null && detector.watches(known) ? known : detector.endpoint();
            if (outlier != null) {
                watched.add(outlier);
            }
            if (traffic == null) {
                each.tracker = null;
            } else if (told == null || told.outlier() != outlier || told.decayNanos() != decayNanos) {
                each.tracker = new Tracker(each.load, decayNanos, outlier, clock);
            }
            if (check == null) {
                each.checks = null;
                each.health.forget();
            } else if (each.checks == null || !each.checks.config().equals(check)) {
                each.checks = new HealthChecks(check, random);
            }
        }
        if (detector != null) {
            detector.watch(watched);
        }
    }

    /** Makes the plan of what is so now. */
    private void plan(UpstreamConfig.Protocol protocol, List<Target> targets, long now) {
        changed = false;
        plannedNanos = now;
        starting = false;
        BalanceConfig.SlowStart slow = balance.slowStart();
        List<Member> members = new ArrayList<>(targets.size());
        for (Target each : targets) {
            boolean healthy = each.healthy();
            if (healthy && !each.wasHealthy) {
                each.since = now;
            }
            each.wasHealthy = healthy;
            double part = 1;
            Long since = each.since;
            if (slow == null) {
                each.since = null;
            } else if (since != null) {
                part = SlowStarts.part(slow, now - since);
                if (now - since >= slow.windowNanos()) {
                    each.since = null;
                } else {
                    starting |= healthy;
                }
            }
            members.add(
                    new Member(each.name, each.endpoint.priority(), each.endpoint.weight() * part, healthy, each.load));
        }
        List<Integer> all = IntStream.range(0, members.size()).boxed().toList();
        Plan plan = plan(members, all, balance);
        state = new State(
                protocol,
                targets,
                plan,
                balancer.hashes() ? new RequestKeys(balance.hashKeys()) : null,
                balance.subset() == null ? null : subsets(balance.subset(), targets, members, plan));
        balanceMetrics.show(traffic == null ? null : this::figures);
    }

    /** A load balancer that somebody else brought may fail; endpoints take turns then. */
    private Plan plan(List<Member> members, List<Integer> among, BalanceConfig config) {
        try {
            return Plan.of(members, among, balancer, config);
        } catch (RuntimeException e) {
            complaints.warn(name + ": the load balancer " + balancer.name()
                    + " could not be made, and endpoints take turns: " + e);
            return Plan.of(members, among, factory(BalanceConfig.DEFAULT), config);
        }
    }

    private Subsets subsets(BalanceConfig.Subset by, List<Target> targets, List<Member> members, Plan all) {
        List<String> labels =
                targets.stream().map(each -> each.endpoint.subset()).toList();
        BalanceConfig part = Subsets.part(balance, labels);
        Subsets made = Subsets.of(by, labels, absentSubsets, all, among -> plan(members, among, part));
        if (made.left() > 0) {
            complaints.warn(name + ": the label " + by.label() + " has " + made.left() + " values beyond "
                    + Subsets.MOST + "; requests that name them are sent as if no endpoint had them");
        }
        return made;
    }

    /** For metrics. */
    private BalanceMetrics.Figures figures() {
        State now = state;
        int inFlight = 0;
        int ejected = 0;
        int unwell = 0;
        for (Target each : now.targets) {
            Tracker told = each.tracker;
            inFlight += each.load.inFlight();
            ejected += told != null && told.ejected() ? 1 : 0;
            unwell += each.health.healthy() ? 0 : 1;
        }
        return new BalanceMetrics.Figures(inFlight, now.plan.healthy(), unwell, ejected, now.plan.panic());
    }

    /** Tells of ejections, on event loops. */
    private final class Ejections implements OutlierDetector.Listener {
        @Override
        public void ejected(OutlierDetector.Endpoint endpoint, OutlierDetector.Reason reason) {
            balanceMetrics.ejected(reason);
            markChanged();
        }

        @Override
        public void spared(OutlierDetector.Endpoint endpoint) {
            balanceMetrics.spared();
        }
    }

    private void markChanged() {
        changed = true;
        wake.run();
    }

    /**
     * Does what is due from time to time: ends ejections, goes on with slow starts, starts health checks.
     *
     * @param checker starts checks, unless there are too many at this time
     * @return whether there may be something to do before anything else happens
     */
    synchronized boolean tend(HealthChecker checker) {
        State now = state;
        OutlierDetector detector = outliers;
        long nanos = clock.nanoTime();
        boolean anew = changed;
        if (detector != null) {
            anew |= detector.sweep(nanos);
        }
        BalanceConfig.SlowStart slow = balance.slowStart();
        anew |= starting && slow != null && nanos - plannedNanos >= slow.windowNanos() / STEPS;
        boolean checked = false;
        for (Target each : now.targets) {
            HealthChecks checks = each.checks;
            if (checks != null) {
                checked = true;
                if (checks.due(nanos)) {
                    checker.start(each, checks, this::checked);
                }
            }
        }
        if (anew) {
            plan(now.protocol, now.targets, nanos);
        }
        return detector != null || starting || checked;
    }

    /** Whether it has to be tended. */
    synchronized boolean tended() {
        return outliers != null || starting || traffic != null && traffic.healthCheck() != null;
    }

    /** A check is over; on an event loop. */
    private void checked(Target target, HealthChecks checks, HealthCheckAttempt.Outcome outcome) {
        balanceMetrics.checked(outcome);
        if (checks.ended(target.health, outcome, clock.nanoTime())) {
            markChanged();
        }
    }
}
