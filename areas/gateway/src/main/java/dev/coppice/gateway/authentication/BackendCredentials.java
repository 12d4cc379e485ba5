package dev.coppice.gateway.authentication;

import dev.coppice.gateway.config.CredentialConfig;
import dev.coppice.kernel.Kernel;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What the gateway shows to the endpoints of one upstream. A token that has to be fetched is fetched when it is first wanted, and again in the last
 * fifth of its life. Safe for use by many threads; never blocks them.
 */
public final class BackendCredentials {
    /** Of a token of which nobody says how long it is good. */
    private static final long UNSAID_MILLIS = 300_000;
    /** On the way, or in the clock of whoever looks at it. */
    private static final long MOST_SPARED_MILLIS = 10_000;

    private final String header;
    private final @Nullable String fixed;
    private final @Nullable Fetched<Token> token;

    private record Token(String value, long millis) {
        @Override
        public String toString() {
            return "Token[not shown]";
        }
    }

    private BackendCredentials(String header, @Nullable String fixed, @Nullable Fetched<Token> token) {
        this.header = header;
        this.fixed = fixed;
        this.token = token;
    }

    /**
     * Those of a configuration.
     *
     * @param executor runs what fetches tokens
     * @param told of each fetch: fetched, failed
     */
    public static BackendCredentials of(
            CredentialConfig config, Kernel kernel, Executor executor, Consumer<String> told) {
        return switch (config) {
            case CredentialConfig.Fixed all ->
                new BackendCredentials(all.header(), all.value().value(), null);
            case CredentialConfig.Missing _ -> new BackendCredentials("authorization", null, null);
            case CredentialConfig.ClientCredentials client ->
                fetched(
                        client,
                        IssuerClient.over(kernel, client.authorities(), client.allowLinkLocal()),
                        kernel,
                        executor,
                        told);
        };
    }

    static BackendCredentials fetched(
            CredentialConfig.ClientCredentials config,
            IssuerClient client,
            Kernel kernel,
            Executor executor,
            Consumer<String> told) {
        TokenEndpoint endpoint = new TokenEndpoint(
                client, config.clientId(), config.clientSecret().value(), config.secretInBody());
        Map<String, String> asked = new LinkedHashMap<>();
        asked.put("grant_type", "client_credentials");
        if (!config.scopes().isEmpty()) {
            asked.put("scope", String.join(" ", config.scopes()));
        }
        if (config.audience() != null) {
            asked.put("audience", config.audience());
        }
        Fetched<Token> token = new Fetched<>(
                "a token of " + config.tokenUri() + " for " + config.clientId(),
                kernel,
                _ -> token(endpoint, config.tokenUri(), asked),
                BackendCredentials::life,
                executor,
                told);
        return new BackendCredentials("authorization", null, token);
    }

    private static Token token(TokenEndpoint endpoint, String uri, Map<String, String> asked) throws IOException {
        try {
            TokenEndpoint.Tokens given = endpoint.ask(uri, asked);
            return new Token(
                    "Bearer " + given.access(), given.expiresMillis() > 0 ? given.expiresMillis() : UNSAID_MILLIS);
        } catch (TokenEndpoint.RefusedException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private static Fetched.Life life(Token token) {
        long spared = Math.min(MOST_SPARED_MILLIS, token.millis() / 10);
        return new Fetched.Life(
                TimeUnit.MILLISECONDS.toNanos(token.millis() / 5 * 4),
                TimeUnit.MILLISECONDS.toNanos(token.millis() - spared));
    }

    /** The header that has it, in lower case. */
    public String header() {
        return header;
    }

    /** The header's value; null while there is none, which has one fetched. */
    public @Nullable String value() {
        if (token == null) {
            return fixed;
        }
        Token known = token.current();
        if (known == null) {
            token.want();
            return null;
        }
        return known.value();
    }

    /**
     * Looks for one.
     *
     * @param done called once, by another thread, when that is over
     * @return whether it looks; if not, {@code done} is never called
     */
    public boolean renew(Runnable done) {
        return token != null && token.renew(done);
    }
}
