package dev.coppice.gateway.control;

import dev.coppice.control.Resource;
import dev.coppice.gateway.control.RuleDraft.Backend;
import dev.coppice.gateway.kind.GrpcRouteSpec;
import dev.coppice.gateway.kind.HttpRouteSpec;
import dev.coppice.gateway.kind.ParentReference;
import dev.coppice.gateway.kind.RouteStatus;
import dev.coppice.gateway.kind.StreamRouteSpec;
import dev.coppice.gateway.kind.StreamRule;
import dev.coppice.gateway.kind.TlsRouteSpec;
import java.util.ArrayList;
import java.util.List;

/**
 * What routes of all kinds have in common. Immutable.
 *
 * @param route as it was when it was read; its status may be old
 * @param created in milliseconds since 1970
 * @param rules those of routes of streams have backends only
 */
record RouteView(
        Translation.ObjectId id,
        Resource<?, RouteStatus> route,
        long generation,
        long created,
        List<ParentReference> parents,
        List<String> hostnames,
        List<RuleDraft> rules) {

    private RouteView(
            Resource<?, RouteStatus> route,
            List<ParentReference> parents,
            List<String> hostnames,
            List<RuleDraft> rules) {
        this(
                Translation.ObjectId.of(route.kind(), route.key()),
                route,
                route.generation(),
                Age.created(route),
                parents,
                hostnames,
                rules);
    }

    String kind() {
        return id.kind();
    }

    String namespace() {
        return id.key().namespace();
    }

    /** Whether a state of the route reads the same: statuses do not matter. */
    boolean shows(Resource<?, ?> other) {
        return generation == other.generation() && route.uid().equals(other.uid());
    }

    static RouteView http(Resource<HttpRouteSpec, RouteStatus> route) {
        HttpRouteSpec spec = route.spec();
        return new RouteView(route, spec.parentRefs(), spec.hostnames(), RuleReader.read(spec));
    }

    static RouteView grpc(Resource<GrpcRouteSpec, RouteStatus> route) {
        GrpcRouteSpec spec = route.spec();
        return new RouteView(route, spec.parentRefs(), spec.hostnames(), RuleReader.read(spec));
    }

    static RouteView tls(Resource<TlsRouteSpec, RouteStatus> route) {
        TlsRouteSpec spec = route.spec();
        return new RouteView(route, spec.parentRefs(), spec.hostnames(), streams(spec.rules()));
    }

    static RouteView stream(Resource<StreamRouteSpec, RouteStatus> route) {
        StreamRouteSpec spec = route.spec();
        return new RouteView(route, spec.parentRefs(), List.of(), streams(spec.rules()));
    }

    private static List<RuleDraft> streams(List<StreamRule> rules) {
        List<RuleDraft> all = new ArrayList<>();
        for (StreamRule rule : rules) {
            List<Backend> backends = rule.backendRefs().stream()
                    .map(each -> new Backend(each.reference(), each.weightOrDefault(), List.of()))
                    .toList();
            all.add(new RuleDraft(
                    rule.name() == null ? "" : rule.name(),
                    List.of(),
                    List.of(),
                    backends,
                    0,
                    0,
                    null,
                    null,
                    "UnsupportedValue"));
        }
        return all;
    }
}
