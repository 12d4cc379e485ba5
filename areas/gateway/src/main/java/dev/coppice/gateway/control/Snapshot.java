package dev.coppice.gateway.control;

import dev.coppice.control.Resource;
import dev.coppice.gateway.kind.BackendTlsPolicySpec;
import dev.coppice.gateway.kind.BackendTrafficPolicySpec;
import dev.coppice.gateway.kind.ChallengeSpec;
import dev.coppice.gateway.kind.ChallengeStatus;
import dev.coppice.gateway.kind.ClientTrafficPolicySpec;
import dev.coppice.gateway.kind.ContentPolicySpec;
import dev.coppice.gateway.kind.GatewayClassSpec;
import dev.coppice.gateway.kind.GatewayClassStatus;
import dev.coppice.gateway.kind.GatewaySpec;
import dev.coppice.gateway.kind.GatewayStatus;
import dev.coppice.gateway.kind.GrpcPolicySpec;
import dev.coppice.gateway.kind.GrpcRouteSpec;
import dev.coppice.gateway.kind.HttpRouteFilterSpec;
import dev.coppice.gateway.kind.HttpRouteFilterStatus;
import dev.coppice.gateway.kind.HttpRouteSpec;
import dev.coppice.gateway.kind.ListenerSetSpec;
import dev.coppice.gateway.kind.ListenerSetStatus;
import dev.coppice.gateway.kind.NoStatus;
import dev.coppice.gateway.kind.ObservabilityPolicySpec;
import dev.coppice.gateway.kind.PolicyStatus;
import dev.coppice.gateway.kind.RateLimitSpec;
import dev.coppice.gateway.kind.ReferenceGrantSpec;
import dev.coppice.gateway.kind.RouteStatus;
import dev.coppice.gateway.kind.SecurityPolicySpec;
import dev.coppice.gateway.kind.StreamRouteSpec;
import dev.coppice.gateway.kind.TlsRouteSpec;
import java.util.List;

/** All resources of the Gateway API as they are at one moment, and what they refer to. */
public record Snapshot(
        List<Resource<GatewayClassSpec, GatewayClassStatus>> classes,
        List<Resource<GatewaySpec, GatewayStatus>> gateways,
        List<Resource<ListenerSetSpec, ListenerSetStatus>> listenerSets,
        List<Resource<HttpRouteSpec, RouteStatus>> httpRoutes,
        List<Resource<GrpcRouteSpec, RouteStatus>> grpcRoutes,
        List<Resource<TlsRouteSpec, RouteStatus>> tlsRoutes,
        List<Resource<StreamRouteSpec, RouteStatus>> tcpRoutes,
        List<Resource<StreamRouteSpec, RouteStatus>> udpRoutes,
        List<Resource<ReferenceGrantSpec, NoStatus>> grants,
        List<Resource<BackendTlsPolicySpec, PolicyStatus>> policies,
        List<Resource<BackendTrafficPolicySpec, PolicyStatus>> trafficPolicies,
        List<Resource<ClientTrafficPolicySpec, PolicyStatus>> clientPolicies,
        List<Resource<GrpcPolicySpec, PolicyStatus>> grpcPolicies,
        List<Resource<RateLimitSpec, PolicyStatus>> rateLimits,
        List<Resource<SecurityPolicySpec, PolicyStatus>> securityPolicies,
        List<Resource<ObservabilityPolicySpec, PolicyStatus>> observabilityPolicies,
        List<Resource<ContentPolicySpec, PolicyStatus>> contentPolicies,
        List<Resource<HttpRouteFilterSpec, HttpRouteFilterStatus>> routeFilters,
        List<Resource<ChallengeSpec, ChallengeStatus>> challenges,
        ClusterView cluster) {}
