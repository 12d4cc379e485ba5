package dev.coppice.gateway.config;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who may send requests. Immutable. Of most secrets it has hashes; {@link #toString} tells neither.
 *
 * @param name {@code NAMESPACE/POLICY}
 * @param targets whose requests it is for
 * @param invalid why it cannot be asked, so that all requests of its targets are answered with 500; null when it can
 * @param realm what clients are told they need credentials for
 * @param methods tried in their order; one has to succeed. Without any, nobody is asked who they are
 * @param optional requests without credentials go on
 * @param authorization null: all requests that come so far are allowed
 */
public record SecurityConfig(
        String name,
        List<TrafficTarget> targets,
        @Nullable String invalid,
        String realm,
        List<Method> methods,
        boolean optional,
        @Nullable Authorization authorization) {

    public SecurityConfig {
        targets = List.copyOf(targets);
        methods = List.copyOf(methods);
    }

    /** One that lets nobody in. */
    public static SecurityConfig invalid(String name, String why) {
        return new SecurityConfig(name, List.of(), why, "", List.of(), false, null);
    }

    /** The same with these methods. */
    public SecurityConfig with(List<Method> others) {
        return new SecurityConfig(name, targets, invalid, realm, others, optional, authorization);
    }

    /** The same for these targets. */
    public SecurityConfig at(List<TrafficTarget> places) {
        return new SecurityConfig(name, places, invalid, realm, methods, optional, authorization);
    }

    /** A way to find out who sends a request. */
    @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
    @JsonSubTypes({
        @JsonSubTypes.Type(value = Method.ApiKey.class, name = "ApiKey"),
        @JsonSubTypes.Type(value = Method.Basic.class, name = "Basic"),
        @JsonSubTypes.Type(value = Method.Jwt.class, name = "Jwt"),
        @JsonSubTypes.Type(value = Method.Oidc.class, name = "Oidc"),
        @JsonSubTypes.Type(value = Method.ClientCertificate.class, name = "ClientCertificate"),
        @JsonSubTypes.Type(value = Method.External.class, name = "External")
    })
    public sealed interface Method {
        /** Its name in the policy. */
        String name();

        /**
         * Keys that clients were given.
         *
         * @param salt hashed before each key
         * @param header in which backends are told the client's id, in lower case; null: in none
         * @param forward whether backends see the key
         */
        record ApiKey(
                String name,
                List<Source> from,
                String salt,
                List<Client> clients,
                @Nullable String header,
                boolean forward)
                implements Method {
            public ApiKey {
                from = List.copyOf(from);
                clients = List.copyOf(clients);
            }
        }

        /**
         * Names and passwords (RFC 7617).
         *
         * @param header in which backends are told the user's name, in lower case; null: in none
         * @param forward whether backends see the password
         */
        record Basic(
                String name, List<User> users, @Nullable String header, boolean forward) implements Method {
            public Basic {
                users = List.copyOf(users);
            }
        }

        /**
         * Tokens of an issuer (RFC 7519).
         *
         * @param audiences one of which a token has to be for; empty: any
         * @param algorithms names of RFC 7518 and RFC 8037
         * @param headers in which backends are told claims
         * @param forward whether backends see the token
         */
        record Jwt(
                String name,
                String issuer,
                List<String> audiences,
                KeySet keys,
                List<String> algorithms,
                long clockSkewMillis,
                List<Source> from,
                List<ClaimHeader> headers,
                boolean forward)
                implements Method {
            public Jwt {
                audiences = List.copyOf(audiences);
                algorithms = List.copyOf(algorithms);
                from = List.copyOf(from);
                headers = List.copyOf(headers);
            }
        }

        /**
         * Sessions of people whom an issuer has logged in (OpenID Connect Core 1.0, 3.1).
         *
         * @param endpoints null: the issuer says where they are
         * @param authorities of the issuer's certificate, in PEM; null: those that the machine trusts
         * @param allowLinkLocal whether the issuer may have a link-local or cloud metadata address
         * @param secretInBody whether the token endpoint wants the client's secret among its parameters
         * @param scopes that are asked for
         * @param redirectPath where the issuer sends browsers back to
         * @param logoutPath that ends the session; null: none does
         * @param afterLogoutPath where browsers go then
         * @param backChannelLogoutPath where the issuer says that sessions have ended; null: nowhere
         * @param cookies how the session is kept
         * @param lifetimeMillis after which people have to log in again
         * @param algorithms names of RFC 7518 and RFC 8037
         * @param headers in which backends are told claims
         * @param userInfoClaims that the issuer's UserInfo endpoint is asked for; empty: it is not asked
         * @param forwardAccessToken whether backends get the access token
         */
        record Oidc(
                String name,
                String issuer,
                @Nullable Endpoints endpoints,
                @Nullable String authorities,
                boolean allowLinkLocal,
                String clientId,
                Secret clientSecret,
                boolean secretInBody,
                List<String> scopes,
                String redirectPath,
                @Nullable String logoutPath,
                String afterLogoutPath,
                @Nullable String backChannelLogoutPath,
                SessionCookies cookies,
                long lifetimeMillis,
                List<String> algorithms,
                long clockSkewMillis,
                List<ClaimHeader> headers,
                List<String> userInfoClaims,
                boolean forwardAccessToken)
                implements Method {
            public Oidc {
                // What an earlier version wrote has none.
                userInfoClaims = userInfoClaims == null ? List.of() : List.copyOf(userInfoClaims);
                scopes = List.copyOf(scopes);
                algorithms = List.copyOf(algorithms);
                headers = List.copyOf(headers);
            }
        }

        /**
         * The certificate that a client shows in TLS, by the authorities of its listener.
         *
         * @param header in which backends are told its first name, in lower case; null: in none
         */
        record ClientCertificate(String name, @Nullable String header) implements Method {}

        /**
         * Another service is asked.
         *
         * @param grpc by Envoy's external authorization (envoy.service.auth.v3), and not by a request of HTTP
         * @param body what it sees of the body; null: nothing
         * @param upstream name of the {@link UpstreamConfig}
         * @param path that it is asked for
         * @param requestHeaders of the request, that it sees; {@code *}: all
         * @param backendHeaders of its answer, in lower case, that backends see
         * @param clientHeaders of its answer, that clients see whom it refuses
         * @param subjectHeader of its answer, with the name of who sends the request; null: it does not tell
         * @param failOpen requests go on when it does not answer
         */
        record External(
                String name,
                String upstream,
                String path,
                List<String> requestHeaders,
                List<String> backendHeaders,
                List<String> clientHeaders,
                @Nullable String subjectHeader,
                long timeoutMillis,
                boolean failOpen,
                boolean grpc,
                @Nullable SeenBody body)
                implements Method {
            public External {
                requestHeaders = List.copyOf(requestHeaders);
                backendHeaders = List.copyOf(backendHeaders);
                clientHeaders = List.copyOf(clientHeaders);
            }

            /** The same, asking another upstream. */
            public External asking(String other) {
                return new External(
                        name,
                        other,
                        path,
                        requestHeaders,
                        backendHeaders,
                        clientHeaders,
                        subjectHeader,
                        timeoutMillis,
                        failOpen,
                        grpc,
                        body);
            }

            /** By HTTP, and without bodies. */
            public External(
                    String name,
                    String upstream,
                    String path,
                    List<String> requestHeaders,
                    List<String> backendHeaders,
                    List<String> clientHeaders,
                    @Nullable String subjectHeader,
                    long timeoutMillis,
                    boolean failOpen) {
                this(
                        name,
                        upstream,
                        path,
                        requestHeaders,
                        backendHeaders,
                        clientHeaders,
                        subjectHeader,
                        timeoutMillis,
                        failOpen,
                        false,
                        null);
            }
        }
    }

    /**
     * Where a request has a credential.
     *
     * @param name of a header in lower case, or of a cookie or query parameter
     * @param prefix of a header's value, taken off in whatever case of letters; empty for none
     */
    public record Source(Type type, String name, String prefix) {
        public enum Type {
            HEADER,
            COOKIE,
            QUERY
        }
    }

    /**
     * What another service sees of a body.
     *
     * @param allowPartial it sees the beginning of a longer one; else that is answered with 413
     */
    public record SeenBody(int maxBytes, boolean allowPartial) {}

    /** A secret, which {@link #toString} does not tell. */
    public record Secret(String value) {
        @Override
        public String toString() {
            return "Secret[not shown]";
        }
    }

    /**
     * Where an issuer answers.
     *
     * @param userInfo null: it does not say more of people than their ID tokens
     * @param endSession null: it cannot be told that a session has ended
     */
    public record Endpoints(
            String authorization,
            String token,
            String keys,
            @Nullable String userInfo,
            @Nullable String endSession) {}

    /**
     * How browsers keep a session.
     *
     * @param name of the cookie; further ones have it and a number
     * @param sameSite Strict, Lax or None
     * @param plainHttp clients come by plain HTTP, and so the cookies, too
     * @param keys the first one encrypts, all decrypt
     */
    public record SessionCookies(String name, String sameSite, boolean plainHttp, List<Secret> keys) {
        public SessionCookies {
            keys = List.copyOf(keys);
        }
    }

    /**
     * A key of a client.
     *
     * @param hash SHA-256 of the salt and the key, in hexadecimal digits
     */
    public record Client(String id, String hash) {
        @Override
        public String toString() {
            return "Client[" + id + "]";
        }
    }

    /**
     * A user with a password.
     *
     * @param hash of bcrypt or Argon2id, as {@code $2y$10$…}
     */
    public record User(String name, String hash) {
        @Override
        public String toString() {
            return "User[" + name + "]";
        }
    }

    /** The header, in lower case, in which backends are told the claim at this path. */
    public record ClaimHeader(List<String> claim, String header) {
        public ClaimHeader {
            claim = List.copyOf(claim);
        }
    }

    /** Keys that sign tokens. */
    @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
    @JsonSubTypes({
        @JsonSubTypes.Type(value = KeySet.Known.class, name = "Known"),
        @JsonSubTypes.Type(value = KeySet.Remote.class, name = "Remote")
    })
    public sealed interface KeySet {
        /** Public keys, as a JSON Web Key Set (RFC 7517). */
        record Known(String jwks) implements KeySet {}

        /**
         * Those that an issuer publishes.
         *
         * @param authorities of its certificate, in PEM; null: those that the machine trusts
         * @param refreshMillis the age at which they are fetched again
         * @param allowLinkLocal whether its host may have a link-local or cloud metadata address
         */
        record Remote(String uri, @Nullable String authorities, long refreshMillis, boolean allowLinkLocal)
                implements KeySet {}
    }

    /** Rules of which the first whose condition holds counts. */
    public record Authorization(List<Rule> rules, boolean allowsOthers) {
        public Authorization {
            rules = List.copyOf(rules);
        }
    }

    /** @param when a CEL condition */
    public record Rule(String name, boolean allows, String when) {}
}
