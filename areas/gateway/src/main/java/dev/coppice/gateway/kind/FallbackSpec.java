package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.HeaderName;
import dev.coppice.gateway.kind.Names.ObjectName;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListMap;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Pattern;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What becomes of requests that a Service does not answer. */
@Rule(
        value = "has(self.response) != has(self.backend)",
        message = "one of response and backend must be given, and not both")
@Description("What becomes of requests that a Service does not answer.")
public record FallbackSpec(
        @Description("They get this.") @Nullable Response response,

        @Description("They are sent there; its own fallback does not count then.") @Nullable
        Backend backend) {

    /** An answer. */
    @Description("An answer.")
    public record Response(
            @Minimum(200) @Maximum(599) @Default("503") @Description("Its status.")
            int status,

            @ListMap("name") @Length(max = 16) @Description("Its headers.")
            List<Header> headers,

            @Length(max = 16_384) @Default("\"\"") @Description("Its body; text/plain if the headers say nothing else.")
            String body) {}

    /** A header. */
    @Rule(
            value =
                    "!(self.name.lowerAscii() in ['connection', 'content-length', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'])",
            message = "headers of the connection and of framing are the gateway's own")
    @Description("A header.")
    public record Header(
            @Required @HeaderName @Description("Its name.") String name,

            @Required @Length(min = 1, max = 4096) @Pattern("^[!-~]([\\t -~]*[!-~])?$") @Description("Its value.")
            String value) {}

    /** A Service. */
    @Description("A Service of the same namespace.")
    public record Backend(
            @Required @ObjectName @Description("Its name.") String name,

            @Minimum(1) @Maximum(65_535) @Required @Description("Its port.")
            int port) {}
}
