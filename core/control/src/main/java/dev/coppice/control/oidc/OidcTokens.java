package dev.coppice.control.oidc;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.crypto.factories.DefaultJWSVerifierFactory;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.KeyConverter;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.Identity;
import io.prometheus.metrics.core.metrics.Counter;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.URI;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.text.ParseException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * ID tokens of an OpenID Connect issuer, as kube-apiserver takes them: signed by a key of the issuer's, for this client, not ended.
 * Safe for use by many threads.
 */
public final class OidcTokens {
    private static final Logger LOG = System.getLogger(OidcTokens.class.getName());
    private static final Duration GAP = Duration.ofSeconds(10);
    private static final Duration EARLY = Duration.ofMinutes(5);
    private static final int LONGEST = 16 << 10;
    private static final String SYSTEM = "system:";
    private static final String AUTHENTICATED = "system:authenticated";

    private final Kernel kernel;
    private final OidcOptions options;
    private final URI issuer;
    private final List<JWSAlgorithm> algorithms;
    private final IssuerKeys keys;
    private final Counter tokens;

    /** Why a token is not taken. */
    private static final class RefusedException extends Exception {
        private final String kind;

        RefusedException(String kind, String message) {
            super(message);
            this.kind = kind;
        }
    }

    private OidcTokens(Kernel kernel, OidcOptions options, URI issuer, IssuerKeys keys) {
        this.kernel = kernel;
        this.options = options;
        this.issuer = issuer;
        this.algorithms = options.algorithms();
        this.keys = keys;
        this.tokens = Counter.builder()
                .name("coppice_control_oidc_tokens_total")
                .help("ID tokens of the OpenID Connect issuer that were shown, by what became of them.")
                .labelNames("result")
                .register(kernel.metrics());
    }

    /**
     * Makes it; empty without an issuer.
     *
     * @throws IllegalArgumentException when {@link OidcOptions#check} finds something wrong
     */
    public static Optional<OidcTokens> of(Kernel kernel, OidcOptions options) {
        return of(kernel, options, GAP);
    }

    static Optional<OidcTokens> of(Kernel kernel, OidcOptions options, Duration gap) {
        List<String> problems = new ArrayList<>();
        options.check(problems);
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(String.join("\n", problems));
        }
        URI issuer = options.issuerUrl();
        if (issuer == null) {
            return Optional.empty();
        }
        try {
            IssuerKeys keys = new IssuerKeys(kernel, issuer, options.tls(), gap);
            return Optional.of(new OidcTokens(kernel, options, issuer, keys));
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalArgumentException("--oidc-ca-file: " + e.getMessage(), e);
        }
    }

    /** What fetches the issuer's keys. */
    public ChildSpec child() {
        return ChildSpec.task("oidc-keys", keys::run);
    }

    /** Who holds a token; empty when it is not the issuer's, or not good. */
    public Optional<Identity> identify(String token) {
        Optional<SignedJWT> own = own(token);
        if (own.isEmpty()) {
            return Optional.empty();
        }
        try {
            Identity identity = identity(own.get());
            tokens.labelValues("accepted").inc();
            return Optional.of(identity);
        } catch (RefusedException e) {
            tokens.labelValues(e.kind).inc();
            LOG.log(Level.DEBUG, () -> "an ID token is refused: " + e.getMessage());
            return Optional.empty();
        } catch (ParseException | JOSEException | RuntimeException e) {
            tokens.labelValues("malformed").inc();
            LOG.log(Level.DEBUG, () -> "an ID token cannot be read: " + e.getMessage());
            return Optional.empty();
        }
    }

    /** Why tokens of the issuer cannot be looked at now, if this is one of them; else empty. */
    public Optional<String> problem(String token) {
        IssuerKeys.Known known = keys.current();
        return known.keys().isEmpty() && own(token).isPresent()
                ? Optional.of(
                        "the keys of the OpenID Connect issuer " + issuer + " cannot be fetched: " + known.problem())
                : Optional.empty();
    }

    private Optional<SignedJWT> own(String token) {
        if (token.length() > LONGEST) {
            return Optional.empty();
        }
        try {
            SignedJWT parsed = SignedJWT.parse(token);
            return issuer.toString().equals(parsed.getJWTClaimsSet().getIssuer())
                    ? Optional.of(parsed)
                    : Optional.empty();
        } catch (ParseException | RuntimeException e) {
            return Optional.empty();
        }
    }

    private Identity identity(SignedJWT token) throws RefusedException, ParseException, JOSEException {
        JWSAlgorithm algorithm = token.getHeader().getAlgorithm();
        if (!algorithms.contains(algorithm)) {
            throw new RefusedException("algorithm", "it is signed with " + algorithm + ": expected " + algorithms);
        }
        verify(token);
        JWTClaimsSet claims = token.getJWTClaimsSet();
        check(claims);
        String name = options.prefix() + name(claims);
        List<String> groups = groups(claims);
        if (name.startsWith(SYSTEM) || groups.stream().anyMatch(g -> g.startsWith(SYSTEM))) {
            // Whoever can name groups at the issuer must not become an administrator here.
            throw new RefusedException("claim", "its user or one of its groups begins with " + SYSTEM);
        }
        groups.add(AUTHENTICATED);
        return new Identity(name, "", groups, Map.of());
    }

    private void verify(SignedJWT token) throws RefusedException, JOSEException {
        String id = token.getHeader().getKeyID();
        if (candidates(id).isEmpty()) {
            keys.want();
        }
        List<JWK> found = candidates(id);
        if (found.isEmpty()) {
            throw new RefusedException("key", "the issuer has no key " + id);
        }
        for (JWK each : found) {
            for (Key key : KeyConverter.toJavaKeys(List.of(each))) {
                if (signed(token, key)) {
                    return;
                }
            }
        }
        throw new RefusedException("signature", "its signature does not fit");
    }

    private List<JWK> candidates(@org.jspecify.annotations.Nullable String id) {
        return keys.current().keys().stream()
                .filter(key -> id == null || Objects.equals(key.getKeyID(), id))
                .toList();
    }

    private static boolean signed(SignedJWT token, Key key) {
        try {
            return !(key instanceof java.security.PrivateKey)
                    && token.verify(new DefaultJWSVerifierFactory().createJWSVerifier(token.getHeader(), key));
        } catch (JOSEException e) {
            // A key of another kind than the algorithm's.
            return false;
        }
    }

    private void check(JWTClaimsSet claims) throws RefusedException, ParseException {
        Instant now = kernel.clock().now();
        Date ends = claims.getExpirationTime();
        if (ends == null || !ends.toInstant().isAfter(now)) {
            throw new RefusedException("expired", "it ended at " + ends);
        }
        Date begins = claims.getNotBeforeTime();
        if (begins != null && begins.toInstant().isAfter(now.plus(EARLY))) {
            throw new RefusedException("early", "it begins at " + begins);
        }
        if (!claims.getAudience().contains(options.clientId())) {
            throw new RefusedException("audience", "it is for " + claims.getAudience());
        }
        for (Map.Entry<String, String> each : options.requiredClaims().entrySet()) {
            Object said = claims.getClaim(each.getKey());
            if (!each.getValue().equals(said)) {
                throw new RefusedException("claim", "its " + each.getKey() + " is not " + each.getValue());
            }
        }
    }

    private String name(JWTClaimsSet claims) throws RefusedException {
        Object name = claims.getClaim(options.usernameClaim());
        if (!(name instanceof String text) || text.isBlank()) {
            throw new RefusedException("claim", "it has no text in " + options.usernameClaim());
        }
        boolean email = options.usernameClaim().equals("email");
        Object verified = claims.getClaim("email_verified");
        if (email && verified != null && !Boolean.TRUE.equals(verified)) {
            throw new RefusedException("claim", "its email is not verified");
        }
        return text;
    }

    private List<String> groups(JWTClaimsSet claims) throws RefusedException {
        List<String> groups = new ArrayList<>();
        String claim = options.groupsClaim();
        Object said = claim == null ? null : claims.getClaim(claim);
        if (said instanceof String one) {
            groups.add(options.groupsPrefix() + one);
        } else if (said instanceof List<?> many) {
            for (Object each : many) {
                if (!(each instanceof String text)) {
                    throw new RefusedException("claim", "its " + claim + " has something else than texts");
                }
                groups.add(options.groupsPrefix() + text);
            }
        } else if (said != null) {
            throw new RefusedException("claim", "its " + claim + " is neither a text nor a list");
        }
        return groups;
    }
}
