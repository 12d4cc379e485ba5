package dev.coppice.control.oidc;

import com.nimbusds.jose.JWSAlgorithm;
import dev.coppice.control.webhook.ClientTls;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Whose users may sign in with ID tokens, by kube-apiserver's names of the options.
 *
 * @param issuerUrl {@code https://…}, as tokens name it in {@code iss}; null for nobody's
 * @param clientId that tokens have to be for ({@code aud})
 * @param usernameClaim such as {@code sub} or {@code email}
 * @param usernamePrefix put before names; {@code -} for none; null for the issuer and {@code #}, but none for {@code email}
 * @param groupsClaim a text or a list of them; null for no groups
 * @param groupsPrefix put before groups
 * @param requiredClaims what a token has to say
 * @param caFile who signed the issuer's certificate (PEM); null for the platform's authorities
 * @param signingAlgs such as {@code RS256}
 */
public record OidcOptions(
        @Nullable URI issuerUrl,
        @Nullable String clientId,
        String usernameClaim,
        @Nullable String usernamePrefix,
        @Nullable String groupsClaim,
        String groupsPrefix,
        Map<String, String> requiredClaims,
        @Nullable Path caFile,
        List<String> signingAlgs) {

    private static final List<String> ALGORITHMS =
            List.of("RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512");

    /** No issuer. */
    public static final OidcOptions NONE =
            new OidcOptions(null, null, "sub", null, null, "", Map.of(), null, List.of("RS256"));

    public OidcOptions {
        requiredClaims = Map.copyOf(requiredClaims);
        signingAlgs = List.copyOf(signingAlgs);
    }

    /** Adds everything that is wrong with them and the file that they name. */
    public void check(List<String> problems) {
        if (issuerUrl == null) {
            if (!equals(NONE)) {
                problems.add("--oidc-issuer-url: is missing: expected https://HOST[/PATH], as other --oidc- options are"
                        + " given");
            }
            return;
        }
        if (!"https".equals(issuerUrl.getScheme())
                || issuerUrl.getHost() == null
                || issuerUrl.getRawQuery() != null
                || issuerUrl.getRawFragment() != null
                || issuerUrl.getRawUserInfo() != null) {
            problems.add("--oidc-issuer-url: \"" + issuerUrl
                    + "\": expected https://HOST[:PORT][/PATH], without a query," + " a fragment or a user");
        }
        if (clientId == null || clientId.isBlank()) {
            problems.add("--oidc-client-id: is missing: expected the name that the issuer knows this cluster by");
        }
        if (usernameClaim.isBlank()) {
            problems.add("--oidc-username-claim: \"\": expected the name of a claim, such as sub or email");
        }
        if (signingAlgs.isEmpty()) {
            problems.add("--oidc-signing-algs: is empty: expected some of " + ALGORITHMS);
        }
        for (String each : signingAlgs) {
            if (!ALGORITHMS.contains(each)) {
                problems.add("--oidc-signing-algs: \"" + each + "\": expected some of " + ALGORITHMS);
            }
        }
        try {
            ClientTls _ = tls();
        } catch (IOException | GeneralSecurityException e) {
            problems.add("--oidc-ca-file: " + caFile + " cannot be used: "
                    + e.getClass().getSimpleName() + ": " + e.getMessage() + ": expected certificates as PEM");
        }
    }

    ClientTls tls() throws IOException, GeneralSecurityException {
        return ClientTls.of(null, caFile == null ? null : Files.readString(caFile), null, null);
    }

    List<JWSAlgorithm> algorithms() {
        List<JWSAlgorithm> all = new ArrayList<>();
        signingAlgs.forEach(each -> all.add(JWSAlgorithm.parse(each)));
        return all;
    }

    /** What stands before the names of users. */
    String prefix() {
        if (usernamePrefix == null) {
            return usernameClaim.equals("email") ? "" : issuerUrl + "#";
        }
        return usernamePrefix.equals("-") ? "" : usernamePrefix;
    }
}
