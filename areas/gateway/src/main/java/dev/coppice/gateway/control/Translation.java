package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import dev.coppice.control.Kind;
import dev.coppice.control.Resource;
import dev.coppice.gateway.DataPlane.Binding;
import dev.coppice.gateway.GatewayOptions;
import dev.coppice.gateway.config.ChallengeConfig;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.function.FunctionReading;
import dev.coppice.gateway.kind.AllowedRoutes;
import dev.coppice.gateway.kind.BackendReference;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.gateway.kind.ParentReference;
import dev.coppice.gateway.kind.RouteStatus;
import dev.coppice.gateway.mesh.ServiceAddresses;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Makes of the Gateway API's resources what the data plane is to serve, and what the statuses say. A function of the snapshot and the
 * addresses that were given before; what it keeps from one call to the next only saves work. Not safe for use by many threads.
 */
public final class Translation {
    /** The name that GatewayClasses of this controller give. */
    public static final String CONTROLLER = "coppice.dev/gateway-controller";

    /** What is in ConfigMaps is there as an object, as files, and for a moment as JSON on its way to the disk. */
    private static final int FILTERS_PART_OF_HEAP = 16;

    /**
     * An object of a kind.
     *
     * @param kind its name: a whole {@link Kind} takes long to hash
     */
    public record ObjectId(String kind, Key key) {
        static ObjectId of(Kind<?, ?> kind, Key key) {
            return new ObjectId(kind.kind(), key);
        }
    }

    private final GatewayOptions options;
    private final Capabilities capabilities;
    private final Certificates certificates = new Certificates();
    private final Backends backends;
    private final LimitReader limitReader = new LimitReader();
    private final GrpcReader grpcReader = new GrpcReader();
    private final SecurityReader securityReader = new SecurityReader();
    private final ObservationReader observationReader = new ObservationReader();
    private final FilterReader filterReader;
    private Map<ObjectId, RouteView> views = Map.of();
    private Map<Resource<?, ?>, RouteView> seen = Map.of();
    private Map<RouteView, RouteResolution> resolutions = Map.of();
    /** Of routes of Services, which may lead to other namespaces. */
    private Map<RouteView, RouteResolution> openResolutions = Map.of();
    /** Null: Services are no parents. */
    private final @Nullable ServiceParents services;

    private List<String> referees = List.of();
    private Object epoch = new Object();

    public Translation(GatewayOptions options) {
        this(options, Capabilities.NOW);
    }

    Translation(GatewayOptions options, Capabilities capabilities) {
        this(options, capabilities, Runtime.getRuntime().maxMemory() / FILTERS_PART_OF_HEAP);
    }

    /** @param mostFilterCharacters of ConfigMaps that filters may have together, in base64 */
    Translation(GatewayOptions options, Capabilities capabilities, long mostFilterCharacters) {
        this.options = options;
        this.capabilities = capabilities;
        this.backends = new Backends(capabilities, options.zone(), options.serviceRange());
        this.filterReader = new FilterReader(options.files(), mostFilterCharacters);
        this.services = options.serviceRange() == null ? null : new ServiceParents(options.serviceRange());
    }

    /** Goes on where another one ended, with what that made. */
    public void resume(GatewayConfig served) {
        backends.served(served.upstreams());
    }

    /**
     * What became of a snapshot.
     *
     * @param addresses those that were given from the pool, by uid of the Gateway
     * @param services what becomes of the addresses of Services
     * @param gatewayServices those that are to stand for Gateways, by key
     * @param filterCharacters of ConfigMaps that filters have, in base64
     */
    public record Result(
            GatewayConfig config,
            Map<String, String> addresses,
            Map<Key, ServiceAddresses.Outcome> services,
            Map<Key, GatewayService> gatewayServices,
            long filterCharacters,
            Statuses statuses) {}

    /**
     * Makes the statuses, once it is known which addresses could not be bound, and how functions are by the names of their filters; the map of the last call counts.
     */
    public interface Statuses {
        Map<ObjectId, Draft> with(Map<Binding, String> failures, Map<String, FunctionReading> functions);
    }

    /**
     * Translates.
     *
     * @param given addresses that were given before, by uid of the Gateway
     */
    public Result translate(Snapshot snapshot, Map<String, String> given) {
        Grants grants = new Grants(snapshot.grants());
        References references = new References(snapshot.cluster(), grants, certificates);
        BackendPolicies policies = new BackendPolicies(snapshot.policies(), references);
        TrafficPolicies traffic = new TrafficPolicies(snapshot.trafficPolicies(), references);
        PolicyTargets targets = new PolicyTargets(!snapshot.rateLimits().isEmpty()
                || !snapshot.securityPolicies().isEmpty()
                || !snapshot.grpcPolicies().isEmpty()
                || !snapshot.contentPolicies().isEmpty()
                || !snapshot.observabilityPolicies().isEmpty());
        ClientPolicies clients = new ClientPolicies(
                snapshot.clientPolicies(), !options.geography().isEmpty());
        GrpcPolicies calls = new GrpcPolicies(snapshot.grpcPolicies(), grpcReader, references);
        LimitPolicies limits = new LimitPolicies(snapshot.rateLimits(), limitReader, options.limitSecret() != null);
        SecurityPolicies.Services authorizers = (kind, namespace, port) -> {
            BackendReference reference = new BackendReference(null, null, port.name(), null, port.port());
            Backends.Found found = backends.find(kind, namespace, reference, snapshot.cluster(), grants, policies);
            Backends.Backend backend = found.backend();
            if (backend != null) {
                backends.want(backend.upstream(Egress.DIRECT), backend, Egress.DIRECT);
            }
            return found;
        };
        SecurityPolicies security =
                new SecurityPolicies(snapshot.securityPolicies(), securityReader, references, authorizers);
        ObservabilityPolicies observations =
                new ObservabilityPolicies(snapshot.observabilityPolicies(), observationReader, authorizers);

        ContentPolicies contents = new ContentPolicies(snapshot.contentPolicies());
        RouteFilters filters = new RouteFilters(snapshot.routeFilters(), filterReader, references);

        renewEpoch(snapshot);
        backends.begin();
        Map<Key, GatewayState> gateways = new GatewayReader(snapshot, references, capabilities).read(CONTROLLER);
        List<GatewayState> states = List.copyOf(gateways.values());
        new Addresses(options).assign(states, given);
        Map<Key, SetPlace> sets = new HashMap<>();
        states.forEach(state -> state.sets.forEach(set -> sets.put(set.set.key(), new SetPlace(state, set))));
        Map<ObjectId, Draft> all = routes(snapshot, gateways, sets, grants, policies, traffic, targets, filters);
        // Before the listeners: some are served for these alone.
        List<ChallengeConfig> challenges = new Challenges(
                        states,
                        (reference, namespace) -> parent(namespace, reference, gateways, sets),
                        (listener, namespace) -> allows(listener, namespace, snapshot.cluster()))
                .configs(snapshot.challenges());
        List<ListenerConfig> listeners = listeners(states);
        List<ListenerConfig> ofServices = services == null
                ? List.of()
                : services.listeners((kind, service, port, egress) ->
                        endpoints(kind, service, port, egress, snapshot.cluster(), grants, policies, traffic));
        listeners.addAll(ofServices);
        targets.complete(gateways, views::get);
        limits.resolve(targets);
        security.resolve(targets);
        observations.resolve();
        List<UpstreamConfig> upstreams = backends.upstreams(snapshot.cluster(), policies, traffic, gateway -> {
            GatewayState state = gateways.get(gateway);
            return state == null || state.shown == null ? null : state.shown.value();
        });
        GatewayConfig config = new GatewayConfig.Builder(calls.applied(clients.applied(listeners)), upstreams)
                .limits(limits.limits())
                .security(security.configs())
                .observations(observations.configs())
                .transcodings(calls.transcodings())
                .contents(contents.configs())
                .filters(filters.configs())
                .challenges(challenges)
                .clientNamespaces(services == null ? List.of() : services.clients(ofServices, snapshot.cluster()))
                .build();
        Map<String, String> addresses = new HashMap<>();
        for (GatewayState state : states) {
            state.addresses.stream()
                    .filter(options.pool()::contains)
                    .findFirst()
                    .ifPresent(each -> addresses.put(state.gateway.uid(), each));
        }
        classes(snapshot, all);
        policies.drafts().forEach((key, draft) -> all.put(ObjectId.of(GatewayKinds.BACKEND_TLS_POLICY, key), draft));
        traffic.drafts().forEach((key, draft) -> all.put(ObjectId.of(GatewayKinds.BACKEND_TRAFFIC_POLICY, key), draft));
        clients.drafts(targets)
                .forEach((key, draft) -> all.put(ObjectId.of(GatewayKinds.CLIENT_TRAFFIC_POLICY, key), draft));
        calls.drafts(targets).forEach((key, draft) -> all.put(ObjectId.of(GatewayKinds.GRPC_POLICY, key), draft));
        limits.drafts().forEach((key, draft) -> all.put(ObjectId.of(GatewayKinds.RATE_LIMIT, key), draft));
        security.drafts().forEach((key, draft) -> all.put(ObjectId.of(GatewayKinds.SECURITY_POLICY, key), draft));
        observations
                .drafts(targets)
                .forEach((key, draft) -> all.put(ObjectId.of(GatewayKinds.OBSERVABILITY_POLICY, key), draft));
        contents.drafts(targets).forEach((key, draft) -> all.put(ObjectId.of(GatewayKinds.CONTENT_POLICY, key), draft));
        Map<Key, ServiceAddresses.Outcome> outcomes = services == null ? Map.of() : services.outcomes();
        long characters = filterReader.characters();
        return new Result(config, addresses, outcomes, gatewayServices(states), characters, (failures, functions) -> {
            filters.drafts(functions)
                    .forEach((key, draft) -> all.put(ObjectId.of(GatewayKinds.HTTP_ROUTE_FILTER, key), draft));
            tellBroken(filters.broken(functions), all);
            for (GatewayState state : states) {
                all.put(ObjectId.of(GatewayKinds.GATEWAY, state.gateway.key()), state.draft(failures, capabilities));
                for (GatewayState.SetState set : state.sets) {
                    all.put(
                            ObjectId.of(GatewayKinds.LISTENER_SET, set.set.key()),
                            state.draft(set, failures, capabilities));
                }
            }
            return all;
        });
    }

    /** Routes that refer to filters which turned out not to run. */
    private void tellBroken(Map<Key, References.Problem> broken, Map<ObjectId, Draft> all) {
        if (broken.isEmpty()) {
            return;
        }
        List<RouteResolution> used = new ArrayList<>(resolutions.values());
        used.addAll(openResolutions.values());
        used.forEach(resolution -> {
            RouteView view = resolution.view;
            Draft.Condition said = resolution.resolved(broken);
            if (said != null && all.get(view.id()) instanceof Draft.OfRoute(long generation, var parents)) {
                all.put(
                        view.id(),
                        new Draft.OfRoute(
                                generation,
                                parents.stream().map(each -> each.with(said)).toList()));
            }
        });
    }

    /** The older Gateway wins a name. */
    private static Map<Key, GatewayService> gatewayServices(List<GatewayState> states) {
        Map<Key, GatewayService> all = new HashMap<>();
        for (GatewayState state : states) {
            GatewayService service = GatewayService.of(state);
            if (service != null) {
                all.putIfAbsent(service.key(), service);
            }
        }
        return all;
    }

    private record SetPlace(GatewayState gateway, GatewayState.SetState set) {}

    /** Grants and policies matter for routes that did not change themselves. */
    private void renewEpoch(Snapshot snapshot) {
        List<String> now = new ArrayList<>();
        snapshot.grants().forEach(each -> now.add(version(each)));
        snapshot.policies().forEach(each -> now.add(version(each)));
        now.sort(Comparator.naturalOrder());
        if (!now.equals(referees)) {
            referees = now;
            epoch = new Object();
        }
    }

    /** Changes with the spec, and not with the status. */
    private static String version(Resource<?, ?> resource) {
        return resource.uid() + "/" + resource.generation();
    }

    /** The upstream of a Service's own endpoints. */
    private @Nullable String endpoints(
            String kind,
            Key service,
            int port,
            Egress egress,
            ClusterView cluster,
            Grants grants,
            BackendPolicies policies,
            TrafficPolicies traffic) {
        used(service, service, egress.passes(), policies, traffic);
        BackendReference reference = new BackendReference(null, null, service.name(), null, port);
        Backends.Backend found = backends.find(kind, service.namespace(), reference, cluster, grants, policies)
                .backend();
        if (found == null) {
            return null;
        }
        String name = found.upstream(egress);
        backends.want(name, found, egress);
        return name;
    }

    /**
     * What comes to one Service by its own address is sent to another one, or to the same.
     *
     * @param streams which go as they come: BackendTLSPolicies are nothing to them
     */
    private static void used(
            Key service, Key parent, boolean streams, BackendPolicies policies, TrafficPolicies traffic) {
        traffic.usedByService(service, parent);
        if (!streams) {
            policies.usedByService(service, parent);
        }
    }

    private void classes(Snapshot snapshot, Map<ObjectId, Draft> all) {
        for (var each : snapshot.classes()) {
            if (each.spec().controllerName().equals(CONTROLLER)) {
                Draft.Condition accepted = each.spec().parametersRef() == null
                        ? Draft.Condition.yes("Accepted", "Accepted")
                        : Draft.Condition.no(
                                "Accepted",
                                "InvalidParameters",
                                "spec.parametersRef: there are no parameters yet; leave it out");
                all.put(
                        ObjectId.of(GatewayKinds.GATEWAY_CLASS, each.key()),
                        new Draft.OfClass(
                                each.generation(),
                                List.of(accepted, Draft.Condition.yes("SupportedVersion", "SupportedVersion")),
                                Capabilities.features(services != null)));
            }
        }
    }

    private List<ListenerConfig> listeners(List<GatewayState> states) {
        List<ListenerConfig> all = new ArrayList<>();
        for (GatewayState state : states) {
            for (ListenerState listener : state.listeners()) {
                boolean served = state.serves(listener, capabilities);
                // Without its certificate yet: the port is open for the ACME server alone.
                if (!served && !listener.challenged) {
                    continue;
                }
                for (String address : state.addresses) {
                    all.add(new ListenerConfig(
                            state.gateway.key().toString(),
                            listener.configName(),
                            address,
                            listener.port,
                            served ? protocol(listener) : ListenerConfig.Protocol.CHALLENGE,
                            listener.hostname,
                            served ? listener.tls() : null,
                            served ? listener.routes : List.of()));
                }
            }
        }
        return all;
    }

    private static ListenerConfig.Protocol protocol(ListenerState listener) {
        return ListenerConfig.Protocol.valueOf(listener.protocol.equals("HTTPS") ? "HTTP" : listener.protocol);
    }

    private Map<ObjectId, Draft> routes(
            Snapshot snapshot,
            Map<Key, GatewayState> gateways,
            Map<Key, SetPlace> sets,
            Grants grants,
            BackendPolicies policies,
            TrafficPolicies traffic,
            PolicyTargets targets,
            RouteFilters filters) {
        RouteResolution.Sources sources =
                new RouteResolution.Sources(snapshot.cluster(), grants, policies, backends, filters);
        List<RouteView> all = new ArrayList<>();
        int count = views.size() * 2 + 16;
        Map<ObjectId, RouteView> now = new HashMap<>(count);
        Map<Resource<?, ?>, RouteView> nowSeen = new IdentityHashMap<>(count);
        view(snapshot.httpRoutes(), RouteView::http, now, nowSeen, all);
        view(snapshot.grpcRoutes(), RouteView::grpc, now, nowSeen, all);
        view(snapshot.tlsRoutes(), RouteView::tls, now, nowSeen, all);
        view(snapshot.tcpRoutes(), RouteView::stream, now, nowSeen, all);
        view(snapshot.udpRoutes(), RouteView::stream, now, nowSeen, all);
        views = now;
        seen = nowSeen;
        all.sort(Comparator.comparingLong(RouteView::created)
                .thenComparing(each -> each.id().key().namespace())
                .thenComparing(each -> each.id().key().name()));
        Map<RouteView, RouteResolution> kept = new IdentityHashMap<>(count);
        Map<ObjectId, Draft> drafts = new HashMap<>(count);
        for (RouteView view : all) {
            List<Draft.AtParent> parents = new ArrayList<>();
            @Nullable RouteResolution resolution = null;
            for (ParentReference parent : view.parents()) {
                @Nullable Parent found = parent(view.namespace(), parent, gateways, sets);
                if (found == null) {
                    continue;
                }
                if (resolution == null) {
                    resolution = resolve(view, resolutions, sources);
                    kept.put(view, resolution);
                }
                parents.add(atParent(view, parent, found, resolution, snapshot.cluster(), policies, traffic, targets));
            }
            drafts.put(view.id(), new Draft.OfRoute(view.generation(), parents));
        }
        resolutions = kept;
        if (services != null) {
            bind(services, all, drafts, sources.with(grants.forServices()), traffic, targets);
        }
        return drafts;
    }

    /** Binds routes to Services, and adds what is to be said of it. */
    private void bind(
            ServiceParents to,
            List<RouteView> all,
            Map<ObjectId, Draft> drafts,
            RouteResolution.Sources sources,
            TrafficPolicies traffic,
            PolicyTargets targets) {
        to.begin(sources.cluster());
        Map<RouteView, RouteResolution> kept = new IdentityHashMap<>();
        for (String kind : ServiceParents.KINDS) {
            for (RouteView view : all) {
                if (!view.kind().equals(kind)) {
                    continue;
                }
                for (ParentReference reference : view.parents()) {
                    Key service = ServiceParents.named(view.namespace(), reference);
                    if (service == null || !(drafts.get(view.id()) instanceof Draft.OfRoute draft)) {
                        continue;
                    }
                    RouteResolution resolution =
                            kept.computeIfAbsent(view, each -> resolve(each, openResolutions, sources));
                    References.Problem problem = to.bind(view, reference, service, resolution, backends);
                    if (problem == null) {
                        targets.attachedToService(view.id(), service);
                        resolution
                                .services()
                                .forEach(each ->
                                        used(each, service, ServiceParents.streams(kind), sources.policies(), traffic));
                    }
                    List<Draft.AtParent> parents = new ArrayList<>(draft.parents());
                    parents.add(new Draft.AtParent(reference, conditions(problem, resolution)));
                    drafts.put(view.id(), new Draft.OfRoute(draft.generation(), parents));
                }
            }
        }
        openResolutions = kept;
    }

    private <S extends Record> void view(
            List<Resource<S, RouteStatus>> routes,
            Function<Resource<S, RouteStatus>, RouteView> read,
            Map<ObjectId, RouteView> now,
            Map<Resource<?, ?>, RouteView> nowSeen,
            List<RouteView> all) {
        for (Resource<S, RouteStatus> route : routes) {
            if (!route.deleting()) {
                @Nullable RouteView view = seen.get(route);
                if (view == null) {
                    RouteView known = views.get(ObjectId.of(route.kind(), route.key()));
                    view = known != null && known.shows(route) ? known : read.apply(route);
                }
                now.put(view.id(), view);
                nowSeen.put(route, view);
                all.add(view);
            }
        }
    }

    private RouteResolution resolve(
            RouteView view, Map<RouteView, RouteResolution> before, RouteResolution.Sources sources) {
        RouteResolution known = before.get(view);
        if (known != null && known.holds(view, epoch, sources)) {
            return known;
        }
        return RouteResolution.of(view, epoch, sources);
    }

    /** The parent of a reference. */
    record Parent(GatewayState gateway, List<ListenerState> listeners, boolean attached) {}

    private static @Nullable Parent parent(
            String from, ParentReference reference, Map<Key, GatewayState> gateways, Map<Key, SetPlace> sets) {
        if (!reference.groupOrDefault().equals(GatewayKinds.GROUP)) {
            return null;
        }
        String namespace = reference.namespace() == null ? from : reference.namespace();
        Key key = new Key(namespace, reference.name());
        if (reference.kindOrDefault().equals("Gateway")) {
            GatewayState gateway = gateways.get(key);
            return gateway == null ? null : new Parent(gateway, gateway.own, true);
        }
        SetPlace place = reference.kindOrDefault().equals("ListenerSet") ? sets.get(key) : null;
        return place == null ? null : new Parent(place.gateway(), place.set().listeners, place.set().allowed);
    }

    private Draft.AtParent atParent(
            RouteView view,
            ParentReference reference,
            Parent parent,
            RouteResolution resolution,
            ClusterView cluster,
            BackendPolicies policies,
            TrafficPolicies traffic,
            PolicyTargets targets) {
        References.@Nullable Problem problem = null;
        if (!parent.attached()) {
            problem = new References.Problem("NoMatchingParent", "the Gateway does not allow this ListenerSet");
        } else if (resolution.refused != null) {
            problem = resolution.refused;
        } else {
            problem = attach(view, reference, parent, resolution, cluster, policies);
        }
        if (problem == null) {
            resolution
                    .services()
                    .forEach(service -> traffic.usedByGateway(
                            service, parent.gateway().gateway.key()));
            targets.attached(view.id(), parent.gateway().gateway.key());
        }
        return new Draft.AtParent(reference, conditions(problem, resolution));
    }

    /** @param problem why it is not accepted; null when it is */
    private static List<Draft.Condition> conditions(References.@Nullable Problem problem, RouteResolution resolution) {
        List<Draft.Condition> conditions = new ArrayList<>();
        conditions.add(
                problem == null
                        ? Draft.Condition.yes("Accepted", "Accepted")
                        : Draft.Condition.no("Accepted", problem.reason(), problem.message()));
        for (Draft.Condition condition : resolution.conditions) {
            if (problem == null || condition.type().equals("ResolvedRefs")) {
                conditions.add(condition);
            }
        }
        return conditions;
    }

    /** Attaches the route to the listeners that take it; why to none, if so. */
    private References.@Nullable Problem attach(
            RouteView view,
            ParentReference reference,
            Parent parent,
            RouteResolution resolution,
            ClusterView cluster,
            BackendPolicies policies) {
        boolean matching = false;
        boolean allowed = false;
        boolean attached = false;
        for (ListenerState listener : parent.listeners()) {
            if (!chosen(reference, listener)) {
                continue;
            }
            matching = true;
            if (!listener.takes(view.kind()) || !allows(listener, view.namespace(), cluster)) {
                continue;
            }
            allowed = true;
            @Nullable List<String> hostnames = Hostnames.intersection(listener.hostname, view.hostnames());
            if (hostnames == null) {
                continue;
            }
            attached = true;
            Egress egress = parent.gateway().egress(listener);
            if (!egress.passes()) {
                Key gateway = parent.gateway().gateway.key();
                resolution.services().forEach(service -> policies.usedByGateway(service, gateway));
            }
            add(listener, view, resolution, hostnames, egress);
        }
        if (attached) {
            return null;
        }
        if (!matching) {
            return new References.Problem(
                    "NoMatchingParent",
                    "no listener has "
                            + (reference.sectionName() == null ? "" : "the name " + reference.sectionName() + " ")
                            + (reference.port() == null ? "" : "the port " + reference.port()));
        }
        return allowed
                ? new References.Problem(
                        "NoMatchingListenerHostname", "no listener has a host name in common with the route")
                : new References.Problem(
                        "NotAllowedByListeners",
                        "no listener takes routes of the kind " + view.kind() + " from the namespace "
                                + view.namespace());
    }

    /** Whether a reference to its parent means a listener. */
    static boolean chosen(ParentReference reference, ListenerState listener) {
        String section = reference.sectionName();
        return (section == null || section.isEmpty() || section.equals(listener.spec.name()))
                && (reference.port() == null || reference.port() == listener.port);
    }

    /** Several references may choose one listener; the route is there once. */
    private void add(
            ListenerState listener, RouteView view, RouteResolution resolution, List<String> hostnames, Egress egress) {
        if (listener.last != view) {
            listener.last = view;
            listener.attached++;
            if (capabilities.protocols().contains(listener.protocol)) {
                resolution.want(backends, egress);
                listener.routes.add(resolution.config(hostnames, egress));
            }
        }
    }

    private static boolean allows(ListenerState listener, String namespace, ClusterView cluster) {
        AllowedRoutes allowed = listener.spec.allowedRoutes();
        AllowedRoutes.Namespaces namespaces = allowed == null ? null : allowed.namespaces();
        String from = namespaces == null || namespaces.from() == null ? "Same" : namespaces.from();
        return switch (from) {
            case "All" -> true;
            case "Selector" ->
                namespaces != null
                        && namespaces.selector() != null
                        && cluster.namespace(namespace)
                                .map(namespaces.selector()::matches)
                                .orElse(false);
            default -> namespace.equals(listener.owner.namespace());
        };
    }
}
