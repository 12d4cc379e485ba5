package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.GatewayDuration;
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

/** What becomes of bodies, for Gateways and routes (an inherited policy attachment, GEP-713). */
@Required
@Rule(
        value = "has(self.compression) || has(self.maxRequestBytes) || has(self.cache)",
        message = "compression, maxRequestBytes or cache must be given")
@Description("What becomes of bodies, for Gateways and routes.")
public record ContentPolicySpec(
        @Required
        @ListType("atomic")
        @Length(min = 1, max = 16)
        @Rule(value = TrafficTargetReference.OF_REQUESTS, message = TrafficTargetReference.ARE_OF_REQUESTS)
        @Rule(value = PolicyTarget.EACH_ONCE, message = "each target, or section of one, may be there once")
        @Description(
                "Whose bodies: Gateways, listeners of them, routes, or rules of them. Each setting counts as the policy with the narrowest target that has it says, and of several for the same target the oldest.")
        List<TrafficTargetReference> targetRefs,

        @Description("How answers are compressed; without it they pass as they are.") @Nullable
        Compression compression,

        @Minimum(0)
        @Maximum(1_099_511_627_776L)
        @Description("Bytes that the body of a request may have; longer ones are answered with 413. Without it, any.")
        @Nullable
        Long maxRequestBytes,

        @Description("Which answers are kept for further requests; without it none.") @Nullable
        Cache cache) {

    /** How answers are compressed. */
    @Description(
            "How answers are compressed that an endpoint sends as they are, for clients that accept it (Accept-Encoding).")
    public record Compression(
            @ListType("set")
            @Length(min = 1, max = 3)
            @Default("[\"Zstd\", \"Brotli\", \"Gzip\"]")
            @Description("Brotli, Gzip and Zstd; of those that a client likes equally the first counts.")
            List<@Pattern("^(Brotli|Gzip|Zstd)$") String> algorithms,

            @ListType("set")
            @Length(min = 1, max = 64)
            @Default(
                    "[\"text/*\", \"*+json\", \"*+xml\", \"application/json\", \"application/javascript\", \"application/xml\", \"application/wasm\", \"application/x-ndjson\"]")
            @Description("Media types in lower case: type/subtype, type/* or *+suffix.")
            List<
                            @Length(min = 3, max = 128)
                            @Pattern("^([a-z0-9!#$&^_.+-]+/([a-z0-9!#$&^_.+-]+|\\*)|\\*\\+[a-z0-9.-]+)$") String>
                    contentTypes,

            @Minimum(0)
            @Maximum(1_048_576)
            @Default("1024")
            @Description("Bodies that are known to be shorter pass as they are.")
            int minBytes) {}

    /** Which answers are kept. */
    @Rule(
            value =
                    "!has(self.defaultTtl) || duration(self.defaultTtl) >= duration('1s') && duration(self.defaultTtl) <= duration('8760h')",
            message = "defaultTtl must be 1s to 8760h")
    @Rule(
            value = "duration(self.staleWhileRevalidate) <= duration('8760h')",
            message = "staleWhileRevalidate must be 0s to 8760h")
    @Rule(value = "duration(self.staleIfError) <= duration('8760h')", message = "staleIfError must be 0s to 8760h")
    @Rule(value = "duration(self.collapseTimeout) <= duration('30s')", message = "collapseTimeout must be 0s to 30s")
    @Description(
            "Which answers are kept for further requests, by all clients of the gateway together: what Cache-Control and its like say (RFC 9111), and this where they say nothing.")
    public record Cache(
            @Default("true") @Description("Whether any are; false turns off what a wider target has.")
            boolean enabled,

            @GatewayDuration
            @Description(
                    "How long an answer of 200, 203, 204, 300, 301 or 308 is fresh that does not say so; 1s to 8760h. Without it, a tenth of the time since Last-Modified, a day at most.")
            @Nullable
            String defaultTtl,

            @GatewayDuration
            @Default("\"0s\"")
            @Description(
                    "How long a stale answer that does not say so is served while a new one is fetched (stale-while-revalidate, RFC 5861); 0s to 8760h.")
            String staleWhileRevalidate,

            @GatewayDuration
            @Default("\"0s\"")
            @Description(
                    "How long a stale answer that does not say so is served when there is no other, or one of 500, 502, 503 or 504 (stale-if-error, RFC 5861); 0s to 8760h.")
            String staleIfError,

            @Minimum(0)
            @Maximum(67_108_864)
            @Default("1048576")
            @Description("Answers with longer bodies are not kept.")
            int maxBodyBytes,

            @Default("{}") @Description("What tells requests from each other beside scheme, host, path and query.")
            CacheKey key,

            @Enumeration({"Honor", "Ignore"})
            @Default("\"Honor\"")
            @Description(
                    "Whether Cache-Control and Pragma of requests count, so that a client may want a newer answer, an older one, or none that is kept.")
            String clientDirectives,

            @GatewayDuration
            @Default("\"5s\"")
            @Description(
                    "How long a request waits for the answer to another one for the same before it is sent on itself; 0s to 30s, 0s: it does not wait.")
            String collapseTimeout,

            @Length(max = 64)
            @Pattern("^[A-Za-z0-9._:-]*$")
            @Default("\"\"")
            @Description(
                    "Any word. Answers that were kept under another one are dropped: change it to empty the cache.")
            String version) {}

    /** What tells requests from each other. */
    @Description("What tells requests from each other beside scheme, host, path and query.")
    public record CacheKey(
            @ListType("set")
            @Length(max = 64)
            @Default("[]")
            @Description(
                    "Parameters of the query that do not, such as utm_*: names as they stand in queries, or beginnings of names with * behind. Backends see them all the same.")
            List<@Length(min = 1, max = 128) @Pattern("^[!$'()+,./0-9:;@A-Z_a-z~%-]*\\*?$") String>
                    ignoredQueryParameters,

            @ListType("set")
            @Length(max = 16)
            @Default("[]")
            @Description("Headers of requests that do, in lower case, beside those that answers name in Vary.")
            List<@Length(min = 1, max = 128) @Pattern("^[a-z0-9!#$%&'*+.^_`|~-]+$") String> headers) {}
}
