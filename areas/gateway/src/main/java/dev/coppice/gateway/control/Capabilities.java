package dev.coppice.gateway.control;

import dev.coppice.gateway.kind.AllowedRoutes.RouteKind;
import dev.coppice.gateway.kind.GatewayKinds;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What the data plane can serve, so that no status claims more. Immutable.
 *
 * @param protocols of listeners that are really served
 * @param grpc whether GRPCRoutes are
 * @param h2c whether backends may speak HTTP/2 without TLS
 */
public record Capabilities(Set<String> protocols, boolean grpc, boolean h2c) {

    /** HTTP/1.1 and HTTP/2, TLS on both sides, and streams and datagrams. */
    public static final Capabilities NOW = new Capabilities(Set.of("HTTP", "HTTPS", "TLS", "TCP", "UDP"), true, true);

    public Capabilities {
        protocols = Set.copyOf(protocols);
    }

    /** Whether listeners of a protocol are understood at all, be they served or not. */
    static boolean known(String protocol) {
        return Set.of("HTTP", "HTTPS", "TLS", "TCP", "UDP").contains(protocol);
    }

    /** The kinds of routes that fit a protocol. */
    List<RouteKind> kinds(String protocol) {
        List<String> names = new ArrayList<>();
        switch (protocol) {
            case "HTTP", "HTTPS" -> {
                names.add("HTTPRoute");
                if (grpc) {
                    names.add("GRPCRoute");
                }
            }
            case "TLS" -> names.add("TLSRoute");
            case "TCP" -> names.add("TCPRoute");
            case "UDP" -> names.add("UDPRoute");
            default -> {}
        }
        return names.stream()
                .map(name -> new RouteKind(GatewayKinds.GROUP, name))
                .toList();
    }

    private static final List<String> MESH = List.of(
            "Mesh",
            "MeshClusterIPMatching",
            "MeshConsumerRoute",
            "MeshHTTPRouteBackendRequestHeaderModification",
            "MeshHTTPRouteNamedRouteRule",
            "MeshHTTPRouteQueryParamMatching",
            "MeshHTTPRouteRedirectPath",
            "MeshHTTPRouteRedirectPort",
            "MeshHTTPRouteRewritePath",
            "MeshHTTPRouteSchemeRedirect");

    /**
     * Names of the features that conformance tests know, sorted.
     *
     * @param services whether Services are served
     */
    static List<String> features(boolean services) {
        return services
                ? Stream.concat(features().stream(), MESH.stream()).sorted().toList()
                : features();
    }

    private static List<String> features() {
        return List.of(
                "BackendTLSPolicy",
                "BackendTLSPolicySANValidation",
                "GRPCRoute",
                "GRPCRouteNamedRouteRule",
                "GRPCRouteRequestHeaderModifier",
                "Gateway",
                "GatewayAddressEmpty",
                "GatewayBackendClientCertificate",
                "GatewayFrontendClientCertificateValidation",
                "GatewayFrontendClientCertificateValidationInsecureFallback",
                "GatewayHTTPListenerIsolation",
                "GatewayHTTPSListenerDetectMisdirectedRequests",
                "GatewayInfrastructurePropagation",
                "GatewayPort8080",
                "GatewayStaticAddresses",
                "HTTPRoute",
                "HTTPRoute303RedirectStatusCode",
                "HTTPRoute307RedirectStatusCode",
                "HTTPRoute308RedirectStatusCode",
                "HTTPRouteBackendProtocolH2C",
                "HTTPRouteBackendProtocolWebSocket",
                "HTTPRouteBackendRequestHeaderModification",
                "HTTPRouteBackendRequestRedirect",
                "HTTPRouteBackendTimeout",
                "HTTPRouteBackendURLRewrite",
                "HTTPRouteCORS",
                "HTTPRouteDestinationPortMatching",
                "HTTPRouteHostRewrite",
                "HTTPRouteMethodMatching",
                "HTTPRouteNamedRouteRule",
                "HTTPRouteParentRefPort",
                "HTTPRoutePathRedirect",
                "HTTPRoutePathRewrite",
                "HTTPRoutePortRedirect",
                "HTTPRouteQueryParamMatching",
                "HTTPRouteRequestMirror",
                "HTTPRouteRequestMultipleMirrors",
                "HTTPRouteRequestPercentageMirror",
                "HTTPRouteRequestTimeout",
                "HTTPRouteResponseHeaderModification",
                "HTTPRouteRetry",
                "HTTPRouteRetryBackendTimeout",
                "HTTPRouteRetryConnectionError",
                "HTTPRouteSchemeRedirect",
                "ListenerSet",
                "ReferenceGrant",
                "TCPRoute",
                "TLSRoute",
                "TLSRouteModeMixed",
                "TLSRouteModeTerminate",
                "UDPRoute");
    }
}
