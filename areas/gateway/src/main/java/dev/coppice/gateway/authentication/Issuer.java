package dev.coppice.gateway.authentication;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.webhook.HttpsCall;
import dev.coppice.gateway.config.SecurityConfig;
import dev.coppice.gateway.config.SecurityConfig.KeySet;
import dev.coppice.gateway.config.SecurityConfig.Method;
import dev.coppice.kernel.Kernel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * An issuer that logs people in, as a client of its sees it (OpenID Connect Core 1.0). What it says of itself and its keys are fetched when they
 * are first wanted; codes and refresh tokens are given for tokens by blocking calls. Safe for use by many threads.
 */
final class Issuer {
    private static final long HOUR_MILLIS = 3_600_000;
    private static final Fetched.Life METADATA =
            new Fetched.Life(TimeUnit.HOURS.toNanos(1), RemoteKeys.MOST_STALE_NANOS);
    /** For keys that have to be fetched, and that only once. */
    private static final int LARGEST_USER_INFO = 64 << 10;

    private static final long VERIFY_MILLIS = 3 * IssuerClient.LIMIT.toMillis();

    private final Method.Oidc config;
    private final Kernel kernel;
    private final IssuerClient client;
    private final Fetched<IssuerMetadata> metadata;
    private final TokenEndpoint endpoint;
    private final TokenMethod tokens;

    /**
     * Knows nothing yet.
     *
     * @param fetches runs what fetches metadata and keys
     * @param told of each fetch: fetched, failed
     */
    Issuer(
            Method.Oidc config,
            IssuerClient client,
            Kernel kernel,
            ProofCache cache,
            LongSupplier scopes,
            Executor fetches,
            Consumer<String> told) {
        this.config = config;
        this.client = client;
        this.kernel = kernel;
        SecurityConfig.Endpoints given = config.endpoints();
        IssuerMetadata known = given == null
                ? null
                : new IssuerMetadata(
                        given.authorization(), given.token(), given.keys(), given.userInfo(), given.endSession());
        this.metadata = new Fetched<>(
                "the metadata of " + config.issuer(),
                kernel,
                _ -> known == null ? IssuerMetadata.discover(config.issuer(), client) : known,
                _ -> METADATA,
                fetches,
                told);
        this.endpoint = new TokenEndpoint(
                client, config.clientId(), config.clientSecret().value(), config.secretInBody());
        RemoteKeys keys = new RemoteKeys(
                "the keys of " + config.issuer(),
                HOUR_MILLIS,
                kernel,
                () -> {
                    IssuerMetadata now = metadata.current();
                    if (now == null) {
                        throw new IOException("nobody knows where they are");
                    }
                    return client.get(now.keys(), VerificationKeys.LARGEST);
                },
                fetches,
                told);
        this.tokens = new TokenMethod(
                new Method.Jwt(
                        config.name(),
                        config.issuer(),
                        List.of(config.clientId()),
                        // The keys come from the source.
                        new KeySet.Known(""),
                        config.algorithms(),
                        config.clockSkewMillis(),
                        List.of(),
                        List.of(),
                        false),
                keys,
                kernel.clock(),
                cache,
                scopes);
    }

    /** Where it answers; null while that is not known. */
    @Nullable
    IssuerMetadata metadata() {
        return metadata.current();
    }

    /** See {@link Fetched#renew}. */
    boolean renew(Runnable done) {
        return metadata.renew(done);
    }

    /**
     * Gives a code for a session (RFC 6749, 4.1.3).
     *
     * @throws TokenEndpoint.RefusedException the code is not accepted, or what is given for it
     */
    Session login(String code, String redirectUri, LoginAttempt attempt)
            throws IOException, TokenEndpoint.RefusedException {
        TokenEndpoint.Tokens given = endpoint.ask(
                known().token(),
                Map.of(
                        "grant_type",
                        "authorization_code",
                        "code",
                        code,
                        "redirect_uri",
                        redirectUri,
                        "code_verifier",
                        attempt.verifier()));
        if (given.id() == null) {
            throw new TokenEndpoint.RefusedException("the issuer gave no ID token; is openid among the scopes?");
        }
        JsonNode claims = verified(given.id(), given.access());
        if (!LoginAttempt.same(attempt.nonce(), claims.path("nonce").asText(""))) {
            throw new TokenEndpoint.RefusedException("the ID token is not of this login");
        }
        long now = kernel.clock().currentTimeMillis();
        JsonNode more = userInfo(given.access(), claims.path("sub").textValue());
        return session(
                given,
                given.id(),
                claims,
                given.refresh(),
                new Kept(claims.path("sid").textValue(), more, now, now + config.lifetimeMillis()));
    }

    /**
     * A session that is fresh again (OpenID Connect Core 1.0, 12).
     *
     * @throws TokenEndpoint.RefusedException its refresh token is not accepted any more
     */
    Session refresh(Session before, String refreshToken) throws IOException, TokenEndpoint.RefusedException {
        TokenEndpoint.Tokens given =
                endpoint.ask(known().token(), Map.of("grant_type", "refresh_token", "refresh_token", refreshToken));
        JsonNode claims;
        try {
            claims = before.claims();
        } catch (SignedToken.MalformedException e) {
            throw new TokenEndpoint.RefusedException(e.why());
        }
        String id = given.id();
        if (id != null) {
            String subject = claims.path("sub").asText("");
            claims = verified(id, given.access());
            if (!subject.equals(claims.path("sub").asText(""))) {
                throw new TokenEndpoint.RefusedException("the new ID token is of somebody else");
            }
        }
        return session(
                given,
                id == null ? before.idToken() : id,
                claims,
                given.refresh() == null ? refreshToken : given.refresh(),
                new Kept(before.id(), before.userInfo(), before.begunMillis(), before.endsMillis()));
    }

    /** What stays as it was at the login. */
    private record Kept(@Nullable String id, @Nullable JsonNode userInfo, long begunMillis, long endsMillis) {}

    private Session session(
            TokenEndpoint.Tokens given, String id, JsonNode claims, @Nullable String refresh, Kept kept) {
        long now = kernel.clock().currentTimeMillis();
        long fresh = given.expiresMillis() > 0
                ? now + given.expiresMillis()
                : (long) (claims.path("exp").doubleValue() * 1000);
        return new Session(
                id,
                config.forwardAccessToken() ? given.access() : "",
                refresh,
                kept.id,
                kept.userInfo,
                kept.begunMillis,
                Math.min(fresh, kept.endsMillis),
                kept.endsMillis);
    }

    /** What the issuer says beyond the ID token (OpenID Connect Core 1.0, 5.3); null when nobody wants it. */
    private @Nullable JsonNode userInfo(String access, @Nullable String subject)
            throws IOException, TokenEndpoint.RefusedException {
        if (config.userInfoClaims().isEmpty()) {
            return null;
        }
        String uri = known().userInfo();
        if (uri == null) {
            throw new IOException("it has no UserInfo endpoint: leave out userInfoClaims, or name it in endpoints");
        }
        HttpsCall.Answer answer = client.send(
                uri,
                Map.of("Authorization", "Bearer " + access, "Accept", "application/json"),
                null,
                LARGEST_USER_INFO);
        if (answer.status() != 200) {
            throw new IOException(uri + " answered with status " + answer.status());
        }
        JsonNode said;
        try {
            said = StrictJson.read(new String(answer.body(), StandardCharsets.UTF_8));
        } catch (JsonProcessingException e) {
            throw new IOException(
                    uri + " answered with what is no JSON; signed and encrypted answers are not supported");
        }
        if (subject == null || !subject.equals(said.path("sub").textValue())) {
            throw new TokenEndpoint.RefusedException(uri + " speaks of somebody else (sub)");
        }
        ObjectNode wanted = JsonNodeFactory.instance.objectNode();
        for (String each : config.userInfoClaims()) {
            if (said.has(each)) {
                wanted.set(each, said.get(each));
            }
        }
        return wanted;
    }

    /**
     * Reads a logout token (OpenID Connect Back-Channel Logout 1.0, 2.6). Never blocks.
     *
     * @param then told of one that is good
     * @param otherwise told why not: refused, or unavailable
     */
    void logout(String token, Consumer<LogoutToken> then, Consumer<Outcome> otherwise) {
        tokens.verify(token, outcome -> {
            if (!(outcome instanceof Outcome.Known)) {
                otherwise.accept(outcome);
                return;
            }
            LogoutToken read;
            try {
                read = LogoutToken.read(
                        SignedToken.read(token), kernel.clock().currentTimeMillis(), config.clockSkewMillis());
            } catch (SignedToken.MalformedException e) {
                otherwise.accept(new Outcome.Refused(e.why()));
                return;
            }
            then.accept(read);
        });
    }

    private IssuerMetadata known() throws IOException {
        IssuerMetadata known = metadata.current();
        if (known == null) {
            throw new IOException("the issuer's metadata is not known");
        }
        return known;
    }

    /** What an ID token says, once it is known to be good (OpenID Connect Core 1.0, 3.1.3.7). */
    private JsonNode verified(String id, String access) throws IOException, TokenEndpoint.RefusedException {
        CompletableFuture<Outcome> said = new CompletableFuture<>();
        tokens.verify(id, said::complete);
        Outcome outcome;
        try {
            outcome = said.get(VERIFY_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("the gateway ends", e);
        } catch (ExecutionException | TimeoutException e) {
            throw new IOException("the keys of the issuer did not come in time", e);
        }
        return switch (outcome) {
            case Outcome.Known good -> checked(good.identity().claims(), id, access);
            case Outcome.Refused bad -> throw new TokenEndpoint.RefusedException("ID token: " + bad.why());
            case Outcome.Unavailable later -> throw new IOException(later.why());
            case Outcome.Absent _, Outcome.Answered _, Outcome.Replied _ ->
                throw new IllegalStateException("a token is good or not: " + outcome);
        };
    }

    /** What is asked of ID tokens beyond what is asked of others. */
    private JsonNode checked(JsonNode claims, String id, String access) throws TokenEndpoint.RefusedException {
        if (claims.path("sub").asText("").isEmpty() || !claims.path("iat").isNumber()) {
            throw new TokenEndpoint.RefusedException("the ID token lacks sub or iat");
        }
        JsonNode party = claims.path("azp");
        boolean several = claims.path("aud").isArray() && claims.path("aud").size() > 1;
        if (!party.isMissingNode() || several) {
            if (!config.clientId().equals(party.textValue())) {
                throw new TokenEndpoint.RefusedException("the ID token is for another client (azp)");
            }
        }
        JsonNode hash = claims.path("at_hash");
        if (!hash.isMissingNode() && !LoginAttempt.same(hash.asText(), hash(id, access))) {
            throw new TokenEndpoint.RefusedException("the access token is not that of the ID token (at_hash)");
        }
        return claims;
    }

    /** The left half of a hash, of the size that the ID token's algorithm has (OpenID Connect Core 1.0, 3.1.3.6). */
    private static String hash(String id, String access) throws TokenEndpoint.RefusedException {
        try {
            String algorithm = SignedToken.read(id).algorithm();
            String digest =
                    algorithm.equals("EdDSA") ? "SHA-512" : "SHA-" + algorithm.substring(algorithm.length() - 3);
            byte[] all = MessageDigest.getInstance(digest).digest(access.getBytes(StandardCharsets.US_ASCII));
            return Base64.getUrlEncoder().withoutPadding().encodeToString(Arrays.copyOf(all, all.length / 2));
        } catch (SignedToken.MalformedException | NoSuchAlgorithmException e) {
            throw new TokenEndpoint.RefusedException("the ID token's algorithm is not known");
        }
    }
}
