package dev.coppice.control.access;

import dev.coppice.control.oidc.OidcTokens;
import dev.coppice.serving.Authenticator;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Identity;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import org.jspecify.annotations.Nullable;

/**
 * Finds out who asks: bearer tokens (static, then service accounts', then ID tokens of an OpenID Connect
 * issuer), then client certificates (the common name is the
 * user, the organizations are its groups). Others are anonymous. Safe for use by many threads.
 */
public final class RequestAuthenticator implements Authenticator {
    private static final String BEARER = "bearer ";
    private final BearerTokens tokens;
    private final Function<String, Optional<Identity>> serviceAccounts;
    private final @Nullable OidcTokens issuer;

    /** @param issuer whose ID tokens are taken; null for nobody's */
    public RequestAuthenticator(
            BearerTokens tokens, Function<String, Optional<Identity>> serviceAccounts, @Nullable OidcTokens issuer) {
        this.tokens = tokens;
        this.issuer = issuer;
        this.serviceAccounts = serviceAccounts;
    }

    @Override
    public Identity authenticate(Exchange exchange) throws UnauthenticatedException {
        Optional<String> header = exchange.header("Authorization");
        if (header.isPresent() && header.get().regionMatches(true, 0, BEARER, 0, BEARER.length())) {
            String token = header.get().substring(BEARER.length()).strip();
            if (!token.isEmpty()) {
                return identify(token).orElseThrow(() -> refused(token));
            }
        }
        List<X509Certificate> certificates = exchange.clientCertificates();
        return certificates.isEmpty() ? Identity.ANONYMOUS : of(certificates.getFirst());
    }

    private UnauthenticatedException refused(String token) {
        String why = issuer == null
                ? ""
                : issuer.problem(token).map(problem -> ": " + problem).orElse("");
        return new UnauthenticatedException("Unauthorized" + why);
    }

    /** Who holds a token. */
    public Optional<Identity> identify(String token) {
        Optional<Identity> known = tokens.find(token).or(() -> serviceAccounts.apply(token));
        return known.isPresent() || issuer == null ? known : issuer.identify(token);
    }

    static Identity of(X509Certificate certificate) throws UnauthenticatedException {
        String user = "";
        List<String> groups = new ArrayList<>();
        try {
            for (Rdn rdn : new LdapName(certificate.getSubjectX500Principal().getName()).getRdns()) {
                if (rdn.getType().equalsIgnoreCase("CN")) {
                    user = String.valueOf(rdn.getValue());
                } else if (rdn.getType().equalsIgnoreCase("O")) {
                    groups.add(String.valueOf(rdn.getValue()));
                }
            }
        } catch (InvalidNameException e) {
            throw new UnauthenticatedException("Unauthorized");
        }
        if (user.isEmpty()) {
            throw new UnauthenticatedException("Unauthorized");
        }
        groups.add("system:authenticated");
        return new Identity(user, "", groups, Map.of());
    }
}
