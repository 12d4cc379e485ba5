package dev.coppice.health.kind;

import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Pattern;
import dev.coppice.schema.Required;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A DNS question and the expected answers. */
@Description("A DNS question and the expected answers.")
public record DnsTarget(
        @Required @Length(min = 1, max = 253) @Description("The name asked for.")
        String name,

        @Default("\"A\"")
        @Pattern("^[A-Z0-9]{1,10}$")
        @Description("The record type, such as A, AAAA, CNAME, MX, NS, PTR, SOA, SRV or TXT.")
        @Nullable
        String recordType,

        @Length(max = 253)
        @Description(
                "The server that is asked, a host name or address. By default the resolver of the machine, which also"
                        + " knows /etc/hosts.")
        @Nullable
        String server,

        @Default("53") @Minimum(1) @Maximum(65535) @Description("The port of the server.") @Nullable
        Integer port,

        @Length(max = 64) @Description("Each of these must be among the answers, written as in a zone file.")
        List<String> expectedAnswers,

        @Default("\"udp\"") @Pattern("^(udp|tcp)$") @Description("How the question travels: udp or tcp.") @Nullable
        String transport,

        @Default("\"NOERROR\"") @Description("The expected response code.") @Nullable
        String expectedCode) {

    public DnsTarget {
        expectedAnswers = Lists.copy(expectedAnswers);
    }
}
