package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.GatewayDuration;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Enumeration;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListMap;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Pattern;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What is told of requests, for Gateways and routes (a direct policy attachment, GEP-2648). */
@Required
@Rule(value = "has(self.accessLog) || has(self.tracing)", message = "accessLog or tracing must be given")
@Description("What is told of requests, for Gateways and routes.")
public record ObservabilityPolicySpec(
        @Required
        @ListType("atomic")
        @Length(min = 1, max = 16)
        @Rule(value = PolicyTarget.EACH_ONCE, message = "each target, or section of one, may be there once")
        @Description(
                "Whose requests and streams are told of: Gateways, listeners of them, routes, or rules of them. For a request the policy with the narrowest target counts, and of several for the same target the oldest.")
        List<TrafficTargetReference> targetRefs,

        @Description("The access logs, instead of the one that is there without a policy.") @Nullable
        AccessLogging accessLog,

        @Description("How requests are traced; without it they pass with the trace context that they bring.") @Nullable
        Tracing tracing) {

    /** The access logs. */
    @Description("The access logs.")
    public record AccessLogging(
            @ListMap("name") @Length(max = 8) @Description("The logs; with none, nothing is logged.")
            List<Log> logs) {}

    /** An access log. */
    @Rule(
            value = "(self.format == 'Template') == has(self.template)",
            message = "template must be given with the format Template, and only there")
    @Rule(
            value = "!has(self.fields) || self.fields.size() == 0 || self.format == 'JSON'",
            message = "fields may be given with the format JSON only")
    @Rule(value = "!has(self.file) || self.output == 'File'", message = "file may be given with the output File only")
    @Description("An access log.")
    public record Log(
            @Required
            @Length(min = 1, max = 63)
            @Pattern("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
            @Description("Its name, and that of its file.")
            String name,

            @Enumeration({"JSON", "Common", "Combined", "Template"})
            @Default("\"JSON\"")
            @Description("JSON, Common or Combined as Apache has them, or Template.")
            String format,

            @Length(min = 1, max = 2048)
            @Description(
                    "A line, in which {name} stands for a field, {request.header.NAME} and {response.header.NAME} for a header, and {claim.NAME} for a claim.")
            @Nullable
            String template,

            @ListMap("name") @Length(max = 16) @Description("Members that lines of JSON have besides.")
            List<Field> fields,

            @Enumeration({"File", "Stdout"})
            @Default("\"File\"")
            @Description("File: areas/gateway/logs/NAMESPACE/POLICY/LOG.log in the data directory. Stdout.")
            String output,

            @Description("When the file is turned over.") @Nullable
            Rotation file,

            @Description("Which requests are there; all by default.") @Nullable
            Sampling sampling,

            @Length(min = 1, max = 1024)
            @Description(
                    "A CEL condition; requests for which it is false are not there. One that fails is taken for true.")
            @Nullable
            String when) {}

    /** A member of lines of JSON. */
    @Description("A member of lines of JSON.")
    public record Field(
            @Required @Length(min = 1, max = 63) @Pattern("^[A-Za-z_][A-Za-z0-9_.]*$") @Description("Its name.")
            String name,

            @Required @Length(min = 1, max = 512) @Description("A template of its value, which is a string.")
            String value) {}

    /** When a file is turned over. */
    @Description("When a file is turned over.")
    public record Rotation(
            @Minimum(1) @Maximum(1024) @Default("64") @Description("MiB that one file has at most.")
            int maxMebibytes,

            @Minimum(1) @Maximum(20) @Default("4") @Description("Files that are there at most.")
            int maxFiles) {}

    /** How requests are traced. */
    @Description("How requests are traced.")
    public record Tracing(
            @Required
            @Description("The collector, which takes spans by OTLP over HTTP: a Service of the policy's namespace.")
            SecurityPolicySpec.ServicePort service,

            @Length(min = 1, max = 1024)
            @Pattern("^/[A-Za-z0-9/._~%!$&'()*+,;=:@-]*$")
            @Default("\"/v1/traces\"")
            @Description("The collector's path.")
            String path,

            @Length(min = 1, max = 255)
            @Default("\"coppice-gateway\"")
            @Description("The name of the service whose spans they are (service.name).")
            String serviceName,

            @Description(
                    "Which traces are recorded; by default those that whoever sent the request records, and all that begin here.")
            @Nullable
            TraceSampling sampling,

            @ListType("set")
            @Length(max = 3)
            @Description(
                    "How requests say where they stand in traces: W3C (traceparent), B3 (Zipkin's one header, b3), B3Multi (Zipkin's X-B3-TraceId and others). Of those that a request brings the first that is valid counts, and all are written to endpoints; by default W3C.")
            List<@Enumeration({"W3C", "B3", "B3Multi"}) String> propagation) {}

    /** Which traces are recorded. */
    @Description("Which traces are recorded.")
    public record TraceSampling(
            @Enumeration({"Follow", "Ignore"})
            @Default("\"Follow\"")
            @Description(
                    "Follow: whoever sent a request with a trace has decided. Ignore: the gateway decides, as it does for traces that begin here.")
            String parent,

            @Description("This share of the traces that the gateway decides on; all by default.")
            HttpFilter.@Nullable Fraction fraction,

            @Length(min = 1, max = 1024)
            @Description(
                    "A CEL condition over the request; of those that the gateway decides on, the ones for which it is false are not recorded. One that fails is taken for false.")
            @Nullable
            String when) {}

    /** Which requests a log has. */
    @Description("Which requests a log has: a share, and those that are always there.")
    public record Sampling(
            @Description("This share of the requests, chosen at random; all by default.")
            HttpFilter.@Nullable Fraction fraction,

            @Default("false") @Description("All that were answered with 500 and above are there.")
            boolean errors,

            @GatewayDuration @Description("All that took as long are there.") @Nullable
            String slowerThan) {}
}
