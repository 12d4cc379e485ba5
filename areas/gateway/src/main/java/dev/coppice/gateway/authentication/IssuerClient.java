package dev.coppice.gateway.authentication;

import dev.coppice.control.webhook.ClientTls;
import dev.coppice.control.webhook.HttpsCall;
import dev.coppice.kernel.Kernel;
import dev.coppice.probe.AddressPolicy;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Calls those who give out keys and tokens, over verified HTTPS. Blocks its caller, for five seconds at most. Safe for use by many threads. */
@FunctionalInterface
interface IssuerClient {
    Duration LIMIT = Duration.ofSeconds(5);

    /**
     * Sends a request.
     *
     * @param body null: a GET without; else a POST
     * @param largest bytes of an answer
     * @return of an answer of 400 and above the beginning only
     * @throws IOException in words for people, when there is no whole answer in time
     */
    HttpsCall.Answer send(String uri, Map<String, String> headers, byte @Nullable [] body, int largest)
            throws IOException;

    /** The text at an address; any answer but 200 is a failure. */
    default String get(String uri, int largest) throws IOException {
        HttpsCall.Answer answer = send(uri, Map.of(), null, largest);
        if (answer.status() != 200) {
            throw new IOException(uri + " answered with status " + answer.status());
        }
        return new String(answer.body(), StandardCharsets.UTF_8);
    }

    /**
     * One that calls by HTTPS.
     *
     * @param authorities of the certificates, in PEM; null: those that the machine trusts
     * @param allowLinkLocal whether link-local and cloud metadata addresses may be called
     */
    static IssuerClient over(Kernel kernel, @Nullable String authorities, boolean allowLinkLocal) {
        AddressPolicy addresses = allowLinkLocal ? AddressPolicy.OPEN : AddressPolicy.STRICT;
        return (uri, headers, body, largest) -> {
            try {
                Map<String, String> all = new HashMap<>(headers);
                all.put("User-Agent", "coppice-gateway");
                ClientTls tls = ClientTls.of(kernel.secureRandom(), authorities, null, null);
                return HttpsCall.to(tls, URI.create(uri), all, LIMIT, largest)
                        .onlyTo(addresses::refusal)
                        .send(kernel, body == null ? "GET" : "POST", body);
            } catch (GeneralSecurityException | IllegalArgumentException e) {
                throw new IOException(String.valueOf(e.getMessage()), e);
            }
        };
    }
}
