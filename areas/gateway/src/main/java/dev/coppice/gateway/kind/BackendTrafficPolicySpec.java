package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.GatewayDuration;
import dev.coppice.gateway.kind.Names.HeaderName;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Enumeration;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Pattern;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How the gateway sends requests to the endpoints of Services (a direct policy attachment, GEP-2648). */
@Required
@Description("How the gateway sends requests to the endpoints of Services.")
public record BackendTrafficPolicySpec(
        @Required
        @ListType("atomic")
        @Length(min = 1, max = 16)
        @Rule(
                value = "self.all(t, t.group == '' && t.kind == 'Service')",
                message = "targets are Services: expected group \"\" and kind Service")
        @Rule(value = PolicyTarget.EACH_ONCE, message = "each target, or section of one, may be there once")
        @Description("The Services, or ports of them.")
        List<PolicyTarget> targetRefs,

        @Description("Which endpoint gets a request; by default each in its turn.") @Nullable
        LoadBalancer loadBalancer,

        @Description("How endpoints are asked whether they are well; by default they are not.") @Nullable
        HealthCheckSpec healthCheck,

        @Description("When endpoints are left out because of how they answer; by default never.") @Nullable
        OutlierDetectionSpec outlierDetection,

        @Description("When the Service gets no requests, since it fails or is slow; by default it always gets them.")
        @Nullable
        CircuitBreakerSpec circuitBreaker,

        @Description(
                "How many of the requests may be retries; by default 20 percent of those of the last 10s, and 100 in any case.")
        @Nullable
        RetryBudgetSpec retryBudget,

        @Description("Lets fewer requests through when answers take longer; by default the latency does not matter.")
        @Nullable
        AdaptiveConcurrencySpec concurrency,

        @Description("Bounds of what goes to the Service at one time.") @Nullable
        UpstreamLimitsSpec limits,

        @Description("What becomes of requests that the Service does not answer; by default they get 502, 503 or 504.")
        @Nullable
        FallbackSpec fallback,

        @Description(
                "That connections to the endpoints begin with a header of the PROXY protocol, which says who the client is; by default they do not. Those for requests are then not shared by clients. With V2 each datagram begins with one, and with V1 none does.")
        @Nullable
        ProxyProtocol proxyProtocol,

        @Description("What the gateway shows to the Service, so that it knows the gateway; by default nothing.")
        @Nullable
        CredentialsSpec credentials) {

    /** How endpoints are told who the client is. */
    @Description("How endpoints are told who the client is.")
    public record ProxyProtocol(
            @Required
            @Enumeration({"V1", "V2"})
            @Description("V1, a line of text, or V2, which is binary and has the server name of TLS, too.")
            String version) {}

    /** Which endpoint gets a request. */
    @Rule(
            value = "!has(self.choices) || !(self.algorithm in ['RoundRobin', 'Random', 'RingHash', 'Maglev'])",
            message = "choices may be given with LeastRequest and PeakEwma only")
    @Rule(
            value =
                    "!has(self.decay) || self.algorithm == 'PeakEwma' && duration(self.decay) >= duration('1s') && duration(self.decay) <= duration('1h')",
            message = "decay may be given with PeakEwma only, and must be 1s to 1h")
    @Rule(
            value = "!has(self.tableSize) || !(self.algorithm in ['RoundRobin', 'Random', 'LeastRequest', 'PeakEwma'])",
            message = "tableSize may be given with RingHash and Maglev only")
    @Rule(
            value =
                    "!has(self.hashKeys) || size(self.hashKeys) == 0 || !(self.algorithm in ['RoundRobin', 'Random', 'LeastRequest', 'PeakEwma'])",
            message = "hashKeys may be given with RingHash and Maglev only")
    @Rule(
            value = "!has(self.balanceFactorPercent) || self.algorithm in ['RingHash', 'Maglev']",
            message = "balanceFactorPercent may be given with RingHash and Maglev only")
    @Rule(
            value = "!has(self.slowStart) || !(self.algorithm in ['RingHash', 'Maglev'])",
            message = "slowStart may not be given with RingHash and Maglev, whose keys would move as weights grow")
    @Description("Which endpoint gets a request.")
    public record LoadBalancer(
            @Length(min = 1, max = 63)
            @Pattern("^[A-Za-z][A-Za-z0-9]*$")
            @Default("\"RoundRobin\"")
            @Description(
                    "RoundRobin: each in its turn. LeastRequest: of some chosen at random, the one with the fewest requests at this time. PeakEwma: of some chosen at random, the one where a request is likely to be answered first. Random: any. RingHash, Maglev: the same one for requests that have a key in common. Or the name of one that an extension brings.")
            String algorithm,

            @Minimum(2)
            @Maximum(10)
            @Description("How many endpoints LeastRequest and PeakEwma compare; by default 2.")
            @Nullable
            Integer choices,

            @GatewayDuration
            @Description("How long PeakEwma remembers a slow answer, such as 10s, which is the default; 1s to 1h.")
            @Nullable
            String decay,

            @Minimum(64)
            @Maximum(1_048_576)
            @Description(
                    "Entries of the table. RingHash: as many at least, by default 1024. Maglev: a prime number, by default 65537.")
            @Nullable
            Integer tableSize,

            @ListType("atomic")
            @Length(max = 8)
            @Description(
                    "What requests that belong together have in common, for RingHash and Maglev: the first of these that a request has. By default the client's address.")
            List<HashKey> hashKeys,

            @Minimum(105)
            @Maximum(1000)
            @Description(
                    "How many percent of its share of the requests at this time an endpoint may have with RingHash and Maglev, before other endpoints get requests that have its keys; by default any.")
            @Nullable
            Integer balanceFactorPercent,

            @Description("Gives an endpoint that is new or has recovered less at first.") @Nullable
            SlowStart slowStart,

            @Minimum(0)
            @Maximum(100)
            @Default("50")
            @Description(
                    "When fewer than this many percent of the endpoints are healthy, all are used, since the others could not bear the load; 0: never.")
            int panicThresholdPercent,

            @Minimum(100)
            @Maximum(1000)
            @Default("140")
            @Description(
                    "How many percent of its usual load a zone can bear: other zones help out when its healthy share times this is less than 100 percent.")
            int overprovisioningPercent,

            @Description(
                    "That requests go to those endpoints whose label has the value which the request names; by default to any.")
            @Nullable
            Subset subset) {}

    /** Which endpoints a request may go to. */
    @Rule(value = "has(self.header) != has(self.cookie)", message = "one of header and cookie must be given")
    @Rule(
            value = "(self.fallback == 'Default') == has(self.defaultValue)",
            message = "defaultValue must be given with the fallback Default, and only there")
    @Description("Which endpoints a request may go to.")
    public record Subset(
            @Required
            @Length(min = 1, max = 317)
            @Pattern("^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")
            @Description(
                    "The label: of EndpointSlices, or topology.kubernetes.io/zone, kubernetes.io/hostname or statefulset.kubernetes.io/pod-name, which endpoints have by themselves.")
            String label,

            @HeaderName @Description("The header whose value is that of the label.") @Nullable
            String header,

            @Length(min = 1, max = 64)
            @Pattern("^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$")
            @Description("The cookie whose value is that of the label.")
            @Nullable
            String cookie,

            @Enumeration({"Any", "None", "Default"})
            @Default("\"Any\"")
            @Description(
                    "Where requests go that name no value, or one that no endpoint has. Any: to all endpoints. None: they are answered with 503. Default: to the endpoints with defaultValue.")
            String fallback,

            @Length(min = 1, max = 253) @Description("The value for the fallback Default.") @Nullable
            String defaultValue) {}

    /** What requests have in common. */
    @Rule(
            value = "(self.type == 'Header') == has(self.header)",
            message = "header must be given with the type Header, and only there")
    @Rule(
            value = "(self.type == 'QueryParameter') == has(self.queryParameter)",
            message = "queryParameter must be given with the type QueryParameter, and only there")
    @Rule(
            value = "(self.type == 'Cookie') == has(self.cookie)",
            message = "cookie must be given with the type Cookie, and only there")
    @Description("What requests have in common.")
    public record HashKey(
            @Required
            @Enumeration({"ClientIP", "Header", "Cookie", "QueryParameter"})
            @Description("ClientIP, Header, Cookie or QueryParameter.")
            String type,

            @HeaderName @Description("The name of a header.") @Nullable
            String header,

            @Length(min = 1, max = 256) @Description("The name of a query parameter.") @Nullable
            String queryParameter,

            @Description("A cookie.") @Nullable Cookie cookie) {}

    /** A cookie, which the gateway may make itself. */
    @Rule(
            value = "!has(self.ttl) || duration(self.ttl) <= duration('9600h')",
            message = "ttl must be 0s to 9600h, which is 400 days")
    @Rule(
            value = "has(self.ttl) || !has(self.path) && !has(self.sameSite)",
            message = "path and sameSite may be given with ttl only, since they are for cookies that the gateway makes")
    @Rule(
            value = "!has(self.sameSite) || self.sameSite != 'None' || self.secure",
            message = "sameSite None needs secure: true; browsers refuse such cookies without it")
    @Description("A cookie, which the gateway may make itself.")
    public record Cookie(
            @Required
            @Length(min = 1, max = 64)
            @Pattern("^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$")
            @Description("Its name.")
            String name,

            @GatewayDuration
            @Description(
                    "When given, requests without the cookie get one of the gateway's, for this long; 0s: until the browser ends. At most 9600h.")
            @Nullable
            String ttl,

            @Length(min = 1, max = 256)
            @Pattern("^/[!-:<-~]*$")
            @Description("Below which path the browser sends it; by default /.")
            @Nullable
            String path,

            @Enumeration({"Strict", "Lax", "None"})
            @Description("Whether requests from other sites carry it; by default Lax.")
            @Nullable
            String sameSite,

            @Default("true") @Description("Whether scripts in the browser cannot see it.")
            boolean httpOnly,

            @Default("false") @Description("Whether the browser sends it over TLS only.")
            boolean secure) {}

    /** How the share of a new endpoint grows. */
    @Rule(
            value = "duration(self.window) >= duration('1s') && duration(self.window) <= duration('1h')",
            message = "window must be 1s to 1h")
    @Description("How the share of a new endpoint grows.")
    public record SlowStart(
            @Required @GatewayDuration @Description("After how long it has its whole share; 1s to 1h.")
            String window,

            @Minimum(10)
            @Maximum(1000)
            @Default("100")
            @Description("100: evenly. More: quickly at first. Less: slowly at first.")
            int aggressionPercent,

            @Minimum(1)
            @Maximum(100)
            @Default("10")
            @Description("What it has at the beginning, in percent of its whole share.")
            int minWeightPercent) {}
}
