package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.GatewayDuration;
import dev.coppice.gateway.kind.Names.ObjectName;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Enumeration;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the gateway does for calls of gRPC beyond what routes say (a direct policy attachment, GEP-2648). */
@Required
@Description("What the gateway does for calls of gRPC beyond what routes say.")
public record GrpcPolicySpec(
        @Required
        @ListType("atomic")
        @Length(min = 1, max = 16)
        @Rule(
                value = "self.all(t, t.kind in ['GRPCRoute', 'HTTPRoute'])",
                message = "targets are routes, or rules of them: expected kind GRPCRoute or HTTPRoute")
        @Rule(value = PolicyTarget.EACH_ONCE, message = "each target, or rule of one, may be there once")
        @Description("Routes, or rules of them. One for a rule counts for it before one for the whole route.")
        List<TrafficTargetReference> targetRefs,

        @Description(
                "What pages of other origins may do, for rules that do not say so themselves; all methods and headers unless some are named.")
        HttpFilter.@Nullable Cors cors,

        @Description("When a call is tried again because of its status; by default never.") @Nullable
        Retry retry,

        @Description(
                "That calls may be made in HTTP and JSON, as annotations google.api.http say; by default they may not.")
        @Nullable
        Transcoding transcoding) {

    /** Calls in HTTP and JSON. */
    @Description("Calls in HTTP and JSON.")
    public record Transcoding(
            @Required @Description("The descriptors of the services.")
            Descriptors descriptors,

            @ListType("set")
            @Length(max = 64)
            @Description("Full names of the services that count; all of them if there is none.")
            List<@Length(min = 1, max = 255) String> services,

            @Default("false") @Description("Whether requests may have fields and parameters that messages do not have.")
            boolean ignoreUnknownFields,

            @Default("false") @Description("Whether answers have fields that are not set, too.")
            boolean printDefaults,

            @Default("false")
            @Description("Whether answers have the names of the proto files, and not lowerCamelCase ones.")
            boolean protoNames,

            @Default("1048576")
            @Minimum(1024)
            @Maximum(16_777_216)
            @Description("Bytes that a message, or the body of a request, may have.")
            int maxMessageBytes) {}

    /** A set of file descriptors. */
    @Rule(value = "has(self.inline) != has(self.ref)", message = "one of inline and ref must be given")
    @Description("A set of file descriptors, as protoc --include_imports --descriptor_set_out writes it.")
    public record Descriptors(
            @Length(min = 1, max = 524_288) @Description("In base64.") @Nullable
            String inline,

            @Description("In a ConfigMap or Secret of the namespace.") @Nullable
            Reference ref) {}

    /** An entry of a ConfigMap or Secret. */
    @Description("An entry of a ConfigMap (of binaryData, or in base64 of data) or Secret.")
    public record Reference(
            @Default("\"ConfigMap\"") @Enumeration({"ConfigMap", "Secret"}) @Description("ConfigMap or Secret.")
            String kind,

            @Required @ObjectName @Description("Its name.") String name,

            @Default("\"descriptors.pb\"") @Length(min = 1, max = 253) @Description("The entry.")
            String key) {
        /** The object without the entry. */
        public LocalReference object() {
            return new LocalReference("", kind, name);
        }
    }

    /** When a call is tried again because of its status. */
    @Rule(
            value = "!has(self.backoff) || duration(self.backoff) <= duration('1m')",
            message = "backoff must be 1m or less")
    @Description(
            "When a call is tried again because of its status, which it has without any message (an answer of trailers only).")
    public record Retry(
            @Required @ListType("set") @Length(min = 1, max = 16) @Description("After which statuses.")
            List<
                            @Enumeration({
                                "CANCELLED",
                                "UNKNOWN",
                                "INVALID_ARGUMENT",
                                "DEADLINE_EXCEEDED",
                                "NOT_FOUND",
                                "ALREADY_EXISTS",
                                "PERMISSION_DENIED",
                                "RESOURCE_EXHAUSTED",
                                "FAILED_PRECONDITION",
                                "ABORTED",
                                "OUT_OF_RANGE",
                                "UNIMPLEMENTED",
                                "INTERNAL",
                                "UNAVAILABLE",
                                "DATA_LOSS",
                                "UNAUTHENTICATED"
                            })
                            String>
                    statuses,

            @Default("1") @Minimum(1) @Maximum(100) @Description("How often after the first try.")
            int attempts,

            @GatewayDuration @Default("\"25ms\"") @Description("Least time between two tries.")
            String backoff) {}
}
