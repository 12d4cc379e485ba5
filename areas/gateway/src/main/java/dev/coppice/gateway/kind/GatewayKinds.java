package dev.coppice.gateway.kind;

import dev.coppice.control.Kind;
import java.util.List;

/** The kinds of the group {@code gateway.networking.k8s.io}, and the policies and filters of {@code gateway.coppice.dev}. */
public final class GatewayKinds {
    public static final String GROUP = "gateway.networking.k8s.io";
    /** Of the policies and filters that the Gateway API does not have. */
    public static final String POLICY_GROUP = "gateway.coppice.dev";

    /** By which tools find policies, and whether those of a Gateway count for its routes, too (GEP-713). */
    private static final String POLICY_LABEL = "gateway.networking.k8s.io/policy";

    private static final String DIRECT = "Direct";
    private static final String INHERITED = "Inherited";
    private static final String VERSION = "v1";
    private static final String AGE = ".metadata.creationTimestamp";
    private static final String ACCEPTED_AT_ANCESTORS =
            ".status.ancestors[*].conditions[?(@.type==\"Accepted\")].status";

    /** Who serves Gateways. */
    public static final Kind<GatewayClassSpec, GatewayClassStatus> GATEWAY_CLASS = published(
                    Kind.cluster(
                            GROUP,
                            VERSION,
                            "GatewayClass",
                            GatewayClassSpec.class,
                            GatewayClassStatus.class,
                            "GatewayClass says which controller serves Gateways."),
                    "standard")
            .withShortNames("gc")
            .withColumn("Controller", "string", ".spec.controllerName", "The controller.")
            .withColumn("Accepted", "string", condition("Accepted"), "Whether the controller accepts it.")
            .withColumn("Age", "date", AGE, "When it was made.")
            .withColumn(new Kind.Column("Description", "string", ".spec.description", "What it is for.", true));

    /** Where traffic comes in. */
    public static final Kind<GatewaySpec, GatewayStatus> GATEWAY = published(
                    Kind.namespaced(
                            GROUP,
                            VERSION,
                            "Gateway",
                            GatewaySpec.class,
                            GatewayStatus.class,
                            "Gateway takes traffic at addresses and ports, for routes to attach to."),
                    "standard")
            .withShortNames("gtw")
            .withColumn("Class", "string", ".spec.gatewayClassName", "Its class.")
            .withColumn("Address", "string", ".status.addresses[*].value", "Where it listens.")
            .withColumn("Programmed", "string", condition("Programmed"), "Whether it listens.")
            .withColumn("Age", "date", AGE, "When it was made.");

    /** Further listeners of a Gateway. */
    public static final Kind<ListenerSetSpec, ListenerSetStatus> LISTENER_SET = published(
                    Kind.namespaced(
                            GROUP,
                            VERSION,
                            "ListenerSet",
                            ListenerSetSpec.class,
                            ListenerSetStatus.class,
                            "ListenerSet adds listeners to a Gateway that allows it."),
                    "standard")
            .withShortNames("lset")
            .withColumn("Accepted", "string", condition("Accepted"), "Whether the Gateway takes it.")
            .withColumn("Programmed", "string", condition("Programmed"), "Whether it listens.")
            .withColumn("Age", "date", AGE, "When it was made.");

    /** HTTP requests to Services. */
    public static final Kind<HttpRouteSpec, RouteStatus> HTTP_ROUTE = published(
                    Kind.namespaced(
                            GROUP,
                            VERSION,
                            "HTTPRoute",
                            HttpRouteSpec.class,
                            RouteStatus.class,
                            "HTTPRoute routes HTTP requests by host name, path, method, headers and query to Services."),
                    "standard")
            .withColumn("Hostnames", "string", ".spec.hostnames", "Host names that it is for.")
            .withColumn("Age", "date", AGE, "When it was made.");

    /** gRPC calls to Services. */
    public static final Kind<GrpcRouteSpec, RouteStatus> GRPC_ROUTE = published(
                    Kind.namespaced(
                            GROUP,
                            VERSION,
                            "GRPCRoute",
                            GrpcRouteSpec.class,
                            RouteStatus.class,
                            "GRPCRoute routes gRPC calls by host name, service, method and headers to Services."),
                    "standard")
            .withColumn("Hostnames", "string", ".spec.hostnames", "Host names that it is for.")
            .withColumn("Age", "date", AGE, "When it was made.");

    /** TLS connections to Services. */
    public static final Kind<TlsRouteSpec, RouteStatus> TLS_ROUTE = published(
                    Kind.namespaced(
                            GROUP,
                            VERSION,
                            "TLSRoute",
                            TlsRouteSpec.class,
                            RouteStatus.class,
                            "TLSRoute routes TLS connections by the host name that they ask for to Services."),
                    "standard")
            .withColumn("Age", "date", AGE, "When it was made.");

    /** TCP connections to Services. */
    public static final Kind<StreamRouteSpec, RouteStatus> TCP_ROUTE = published(
                    Kind.namespaced(
                            GROUP,
                            "v1alpha2",
                            "TCPRoute",
                            StreamRouteSpec.class,
                            RouteStatus.class,
                            "TCPRoute routes TCP connections to Services."),
                    "experimental")
            .withColumn("Age", "date", AGE, "When it was made.");

    /** UDP datagrams to Services. */
    public static final Kind<StreamRouteSpec, RouteStatus> UDP_ROUTE = published(
                    Kind.namespaced(
                            GROUP,
                            "v1alpha2",
                            "UDPRoute",
                            StreamRouteSpec.class,
                            RouteStatus.class,
                            "UDPRoute routes UDP datagrams to Services."),
                    "experimental")
            .withColumn("Age", "date", AGE, "When it was made.");

    /** Who may refer to objects of a namespace. */
    public static final Kind<ReferenceGrantSpec, NoStatus> REFERENCE_GRANT = published(
                    Kind.namespaced(
                            GROUP,
                            VERSION,
                            "ReferenceGrant",
                            ReferenceGrantSpec.class,
                            NoStatus.class,
                            "ReferenceGrant lets objects of other namespaces refer to objects of its own."),
                    "standard")
            .withShortNames("refgrant")
            .withColumn("Age", "date", AGE, "When it was made.");

    /** TLS to Services. */
    public static final Kind<BackendTlsPolicySpec, PolicyStatus> BACKEND_TLS_POLICY = published(
                    Kind.namespaced(
                            GROUP,
                            VERSION,
                            "BackendTLSPolicy",
                            BackendTlsPolicySpec.class,
                            PolicyStatus.class,
                            "BackendTLSPolicy says how the gateway speaks TLS to a Service."),
                    "standard")
            .withShortNames("btlspolicy")
            .withLabel(POLICY_LABEL, DIRECT)
            .withColumn("Age", "date", AGE, "When it was made.");

    /** How requests are sent to Services. */
    public static final Kind<BackendTrafficPolicySpec, PolicyStatus> BACKEND_TRAFFIC_POLICY = Kind.namespaced(
                    POLICY_GROUP,
                    VERSION,
                    "BackendTrafficPolicy",
                    BackendTrafficPolicySpec.class,
                    PolicyStatus.class,
                    "BackendTrafficPolicy says how the gateway sends requests to the endpoints of Services.")
            .withShortNames("btp")
            .withCategories("coppice")
            .withLabel(POLICY_LABEL, DIRECT)
            .withColumn("Accepted", "string", ACCEPTED_AT_ANCESTORS, "Whether it counts, for each Gateway.")
            .withColumn("Algorithm", "string", ".spec.loadBalancer.algorithm", "Which endpoint gets a request.")
            .withColumn("Age", "date", AGE, "When it was made.");

    /** How clients are spoken to. */
    public static final Kind<ClientTrafficPolicySpec, PolicyStatus> CLIENT_TRAFFIC_POLICY = Kind.namespaced(
                    POLICY_GROUP,
                    VERSION,
                    "ClientTrafficPolicy",
                    ClientTrafficPolicySpec.class,
                    PolicyStatus.class,
                    "ClientTrafficPolicy says how the gateway speaks to the clients of Gateways.")
            .withShortNames("ctp")
            .withCategories("coppice")
            .withLabel(POLICY_LABEL, DIRECT)
            .withColumn("Accepted", "string", ACCEPTED_AT_ANCESTORS, "Whether it counts, for each Gateway.")
            .withColumn("Age", "date", AGE, "When it was made.");

    /** What is done for calls of gRPC. */
    public static final Kind<GrpcPolicySpec, PolicyStatus> GRPC_POLICY = Kind.namespaced(
                    POLICY_GROUP,
                    VERSION,
                    "GRPCPolicy",
                    GrpcPolicySpec.class,
                    PolicyStatus.class,
                    "GRPCPolicy says what the gateway does for calls of gRPC beyond what routes say.")
            .withShortNames("grpcpol")
            .withCategories("coppice")
            .withLabel(POLICY_LABEL, DIRECT)
            .withColumn("Accepted", "string", ACCEPTED_AT_ANCESTORS, "Whether it counts, for each Gateway.")
            .withColumn("Age", "date", AGE, "When it was made.");

    /** How often requests may come. */
    public static final Kind<RateLimitSpec, PolicyStatus> RATE_LIMIT = Kind.namespaced(
                    POLICY_GROUP,
                    VERSION,
                    "RateLimit",
                    RateLimitSpec.class,
                    PolicyStatus.class,
                    "RateLimit says how often requests may come, for Gateways and routes.")
            .withShortNames("rl")
            .withCategories("coppice")
            .withLabel(POLICY_LABEL, INHERITED)
            .withColumn("Accepted", "string", ACCEPTED_AT_ANCESTORS, "Whether it counts, for each Gateway.")
            .withColumn("Limits", "string", ".spec.limits[*].name", "Its limits.")
            .withColumn("Age", "date", AGE, "When it was made.");

    /** Who may send requests. */
    public static final Kind<SecurityPolicySpec, PolicyStatus> SECURITY_POLICY = Kind.namespaced(
                    POLICY_GROUP,
                    VERSION,
                    "SecurityPolicy",
                    SecurityPolicySpec.class,
                    PolicyStatus.class,
                    "SecurityPolicy says who may send requests, for Gateways and routes.")
            .withShortNames("secpol")
            .withCategories("coppice")
            .withLabel(POLICY_LABEL, INHERITED)
            .withColumn(
                    "Accepted",
                    "string",
                    ".status.ancestors[*].conditions[?(@.type==\"Accepted\")].status",
                    "Whether it is valid, for each Gateway.")
            .withColumn("Methods", "string", ".spec.authentication.methods[*].name", "How requests are authenticated.")
            .withColumn("Rules", "string", ".spec.authorization.rules[*].name", "What is allowed and denied.")
            .withColumn("Age", "date", AGE, "When it was made.");

    /** What is told of requests. */
    public static final Kind<ObservabilityPolicySpec, PolicyStatus> OBSERVABILITY_POLICY = Kind.namespaced(
                    POLICY_GROUP,
                    VERSION,
                    "ObservabilityPolicy",
                    ObservabilityPolicySpec.class,
                    PolicyStatus.class,
                    "ObservabilityPolicy says what is told of requests, for Gateways and routes.")
            .withShortNames("obspol")
            .withCategories("coppice")
            .withLabel(POLICY_LABEL, INHERITED)
            .withColumn("Accepted", "string", ACCEPTED_AT_ANCESTORS, "Whether it counts, for each Gateway.")
            .withColumn("Logs", "string", ".spec.accessLog.logs[*].name", "Its access logs.")
            .withColumn("Age", "date", AGE, "When it was made.");

    /** What becomes of bodies. */
    public static final Kind<ContentPolicySpec, PolicyStatus> CONTENT_POLICY = Kind.namespaced(
                    POLICY_GROUP,
                    VERSION,
                    "ContentPolicy",
                    ContentPolicySpec.class,
                    PolicyStatus.class,
                    "ContentPolicy says what becomes of bodies, for Gateways and routes.")
            .withShortNames("contpol")
            .withCategories("coppice")
            .withLabel(POLICY_LABEL, INHERITED)
            .withColumn("Accepted", "string", ACCEPTED_AT_ANCESTORS, "Whether it counts, for each Gateway.")
            .withColumn("Algorithms", "string", ".spec.compression.algorithms", "How answers are compressed.")
            .withColumn("Age", "date", AGE, "When it was made.");

    /** Filters of rules that the Gateway API does not have. */
    public static final Kind<HttpRouteFilterSpec, HttpRouteFilterStatus> HTTP_ROUTE_FILTER = Kind.namespaced(
                    POLICY_GROUP,
                    VERSION,
                    "HTTPRouteFilter",
                    HttpRouteFilterSpec.class,
                    HttpRouteFilterStatus.class,
                    "HTTPRouteFilter is a filter to which rules of HTTPRoutes and GRPCRoutes refer by extensionRef.")
            .withShortNames("hrf")
            .withCategories("coppice")
            .withColumn("Accepted", "string", condition("Accepted"), "Whether it can be run.")
            .withColumn("When", "string", ".spec.when", "To which requests it applies.")
            .withColumn("Age", "date", AGE, "When it was made.");

    /** What gateways tell each other of logouts; nothing that is served follows from it. */
    public static final Kind<EndedSessionSpec, NoStatus> ENDED_SESSION = Kind.cluster(
                    POLICY_GROUP,
                    VERSION,
                    "EndedSession",
                    EndedSessionSpec.class,
                    NoStatus.class,
                    "EndedSession says that an issuer of OpenID Connect has ended sessions before their time. Gateways write it.")
            .withColumn("Issuer", "string", ".spec.issuer", "Who ended them.")
            .withColumn("Client", "string", ".spec.clientID", "Of which of its clients they are.")
            .withColumn("Scope", "string", ".spec.scope", "Which they are.")
            .withColumn("Ended", "date", ".spec.endedTime", "When they ended.")
            .withColumn(new Kind.Column(
                    "Expires", "string", ".spec.expirationTime", "When it need not be known any more.", true));

    private GatewayKinds() {}

    /** All kinds that say what is served, and how. */
    public static List<Kind<?, ?>> all() {
        return List.of(
                GATEWAY_CLASS,
                GATEWAY,
                LISTENER_SET,
                HTTP_ROUTE,
                GRPC_ROUTE,
                TLS_ROUTE,
                TCP_ROUTE,
                UDP_ROUTE,
                REFERENCE_GRANT,
                BACKEND_TLS_POLICY,
                BACKEND_TRAFFIC_POLICY,
                CLIENT_TRAFFIC_POLICY,
                GRPC_POLICY,
                RATE_LIMIT,
                SECURITY_POLICY,
                OBSERVABILITY_POLICY,
                CONTENT_POLICY,
                HTTP_ROUTE_FILTER);
    }

    private static String condition(String type) {
        return ".status.conditions[?(@.type==\"" + type + "\")].status";
    }

    /** Groups of Kubernetes' own have to say where they were approved; the version is what other controllers look for. */
    private static <S extends Record, T extends Record> Kind<S, T> published(Kind<S, T> kind, String channel) {
        return kind.withCategories("gateway-api", "coppice")
                .withAnnotation(
                        "api-approved.kubernetes.io", "https://github.com/kubernetes-sigs/gateway-api/pull/4530")
                .withAnnotation("gateway.networking.k8s.io/bundle-version", "v1.6.0")
                .withAnnotation("gateway.networking.k8s.io/channel", channel);
    }
}
