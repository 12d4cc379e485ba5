package dev.coppice.health.kind;

import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListMap;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Pattern;
import dev.coppice.schema.Required;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An HTTP or HTTPS request and what is expected of its answer. */
@Description("An HTTP or HTTPS request and what is expected of its answer.")
public record HttpTarget(
        @Required
        @Length(min = 8, max = 4096)
        @Pattern("^https?://.+")
        @Description("The address, starting with http:// or https://.")
        String url,

        @Default("\"GET\"") @Pattern("^[A-Z]{1,16}$") @Description("The method, such as GET, HEAD or POST.") @Nullable
        String method,

        @ListMap("name") @Length(max = 64) @Description("Headers to send.")
        List<Header> headers,

        @Description("The body to send.") @Nullable SecretValue body,

        @Description("Signs in with basic authentication.") @Nullable
        BasicAuth basicAuth,

        @Description("Sends an Authorization: Bearer header.") @Nullable
        SecretValue bearerToken,

        @Default("true") @Description("Follows redirects. Secrets are not sent to another host.") @Nullable
        Boolean followRedirects,

        @Default("10") @Minimum(0) @Maximum(50) @Description("The most redirects that are followed.") @Nullable
        Integer maxRedirects,

        @Length(max = 32)
        @Description("Status codes that mean success, as numbers or ranges, such as 200 or 200-299. Default: 200-299.")
        List<String> expectedStatus,

        @Length(max = 32) @Description("What else must hold for the answer; all of them.")
        List<HttpAssertion> assertions,

        @Description("An answer that takes longer than this is a failure.") @Nullable
        Duration maxLatency,

        @Default("1048576")
        @Minimum(0)
        @Maximum(16777216)
        @Description("Bytes of the body that are read; the rest is ignored.")
        @Nullable
        Integer maxBodyBytes,

        @Minimum(0)
        @Maximum(3650)
        @Description("With https: the check fails when the certificate ends within so many days.")
        @Nullable
        Integer minCertificateDays,

        @Description("How TLS is done.") @Nullable TlsOptions tls,

        @Description("Which IP protocol is used: any, ip4 or ip6.") @Default("\"any\"") @Nullable
        IpProtocol ipProtocol) {

    public HttpTarget {
        headers = Lists.copy(headers);
        expectedStatus = Lists.copy(expectedStatus);
        assertions = Lists.copy(assertions);
    }
}
