package dev.coppice.gateway.authentication;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.gateway.config.SecurityConfig.ClaimHeader;
import dev.coppice.gateway.config.SecurityConfig.Method;
import dev.coppice.gateway.config.SecurityConfig.Source;
import dev.coppice.kernel.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * JSON Web Tokens of one issuer (RFC 7519; RFC 8725 of how to take them). A token that was good is good until it ends, or the keys change, without
 * its signature being looked at again. Safe for use by many threads.
 */
public final class TokenMethod implements AuthenticationMethod {
    private static final int MOST_HEADER = 8 << 10;

    private final Method.Jwt config;
    private final CredentialFinder finder;
    private final Set<String> algorithms;
    private final KeySource source;
    private final Clock clock;
    private final ProofCache cache;
    private final LongSupplier scopes;
    private volatile Scope scope;

    /** What proofs hold for. */
    private record Scope(@Nullable VerificationKeys keys, long number) {}

    /** @param scopes makes numbers that were never used for other keys */
    TokenMethod(Method.Jwt config, KeySource source, Clock clock, ProofCache cache, LongSupplier scopes) {
        this.config = config;
        this.finder = new CredentialFinder(config.from());
        this.algorithms = Set.copyOf(config.algorithms());
        this.source = source;
        this.clock = clock;
        this.cache = cache;
        this.scopes = scopes;
        this.scope = new Scope(source.current(), scopes.getAsLong());
    }

    @Override
    public void authenticate(CredentialRequest request, Consumer<Outcome> done) {
        CredentialFinder.Found found = finder.find(request);
        if (found.problem() != null) {
            done.accept(new Outcome.Refused(found.problem()));
            return;
        }
        String text = found.value();
        if (text == null) {
            done.accept(Outcome.Absent.ABSENT);
            return;
        }
        verify(text, done);
    }

    /** Looks at a token, wherever it comes from. */
    void verify(String text, Consumer<Outcome> done) {
        Scope now = scope();
        Fingerprint proof = text.length() > SignedToken.LONGEST ? null : cache.key(now.number, text);
        Outcome.Known proven = proof == null ? null : cache.get(proof);
        if (proven != null) {
            done.accept(proven);
            return;
        }
        SignedToken token;
        try {
            token = SignedToken.read(text);
        } catch (SignedToken.MalformedException e) {
            done.accept(new Outcome.Refused(e.why()));
            return;
        }
        String problem = problem(token);
        if (problem != null) {
            done.accept(new Outcome.Refused(problem));
            return;
        }
        boolean unknown = now.keys == null
                || now.keys.candidates(token.keyId(), token.algorithm()).isEmpty();
        if (!unknown || !source.renew(() -> done.accept(verified(text, token)))) {
            done.accept(verified(text, token));
        }
    }

    private Scope scope() {
        Scope now = scope;
        VerificationKeys keys = source.current();
        if (now.keys != keys) {
            now = new Scope(keys, scopes.getAsLong());
            scope = now;
        }
        return now;
    }

    /** What is wrong with a token, be it signed or not; null when nothing is. */
    private @Nullable String problem(SignedToken token) {
        if (!algorithms.contains(token.algorithm())) {
            return "the token is signed in a way that is not accepted";
        }
        JsonNode claims = token.claims();
        if (!config.issuer().equals(claims.path("iss").textValue())) {
            return "the token is of another issuer";
        }
        if (!config.audiences().isEmpty() && !meant(claims.path("aud"))) {
            return "the token is for another audience";
        }
        if (claims.has("sub") && !claims.path("sub").isTextual()) {
            return "the subject of the token is no text";
        }
        double seconds = clock.currentTimeMillis() / 1000.0;
        double skew = config.clockSkewMillis() / 1000.0;
        JsonNode ends = claims.path("exp");
        if (!ends.isNumber()) {
            return "the token says not when it ends";
        }
        if (seconds >= ends.doubleValue() + skew) {
            return "the token has expired";
        }
        JsonNode begins = claims.path("nbf");
        if (!begins.isMissingNode() && (!begins.isNumber() || seconds < begins.doubleValue() - skew)) {
            return "the token is not valid yet";
        }
        return null;
    }

    private boolean meant(JsonNode audience) {
        if (audience.isTextual()) {
            return config.audiences().contains(audience.textValue());
        }
        for (JsonNode each : audience) {
            if (audience.isArray() && each.isTextual() && config.audiences().contains(each.textValue())) {
                return true;
            }
        }
        return false;
    }

    /** Of a token that has no other problem. */
    private Outcome verified(String text, SignedToken token) {
        Scope now = scope();
        if (now.keys == null) {
            return new Outcome.Unavailable("the keys of the issuer are not known");
        }
        List<VerificationKey> candidates = now.keys.candidates(token.keyId(), token.algorithm());
        if (candidates.isEmpty()) {
            return new Outcome.Refused("the issuer has no such key");
        }
        for (VerificationKey each : candidates) {
            if (each.verifies(token.algorithm(), token.signed(), token.signature())) {
                return known(text, token, now);
            }
        }
        return new Outcome.Refused("the signature of the token is wrong");
    }

    private Outcome known(String text, SignedToken token, Scope now) {
        JsonNode claims = token.claims();
        List<Outcome.Header> headers = headers(claims, config.headers());
        if (headers == null) {
            return new Outcome.Refused("the claims of the token are too long");
        }
        Outcome.Known known = new Outcome.Known(
                new Identity("JWT", config.name(), claims.path("sub").asText(""), claims), headers);
        double endsMillis = claims.path("exp").doubleValue() * 1000 + config.clockSkewMillis();
        cache.put(cache.key(now.number, text), known, (long) endsMillis);
        return known;
    }

    /** What backends are told of claims; null when it is too long for headers. */
    static @Nullable List<Outcome.Header> headers(JsonNode claims, List<ClaimHeader> wanted) {
        List<Outcome.Header> headers = new ArrayList<>();
        int length = 0;
        for (ClaimHeader each : wanted) {
            String value = value(at(claims, each.claim()));
            if (value != null) {
                String shown = HeaderText.of(value);
                length += shown.length();
                headers.add(new Outcome.Header(each.header(), shown));
            }
        }
        return length > MOST_HEADER ? null : headers;
    }

    private static JsonNode at(JsonNode claims, List<String> path) {
        JsonNode found = claims;
        for (String each : path) {
            found = found.path(each);
        }
        return found;
    }

    /** A text, a number, a boolean, or a list of these joined by commas; null for anything else. */
    private static @Nullable String value(JsonNode claim) {
        if (claim.isArray()) {
            List<String> all = new ArrayList<>();
            for (JsonNode each : claim) {
                if (!each.isValueNode() || each.isNull()) {
                    return null;
                }
                all.add(each.asText());
            }
            return all.stream().collect(Collectors.joining(","));
        }
        return claim.isValueNode() && !claim.isNull() ? claim.asText() : null;
    }

    @Override
    public String challenge(String realm, @Nullable String problem) {
        return Challenge.bearer(realm, problem);
    }

    @Override
    public List<Source> sources() {
        return finder.sources();
    }

    @Override
    public boolean forwards() {
        return config.forward();
    }

    @Override
    public List<String> owned() {
        return config.headers().stream().map(ClaimHeader::header).toList();
    }
}
