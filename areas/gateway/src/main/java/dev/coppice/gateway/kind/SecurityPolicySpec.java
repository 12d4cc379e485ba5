package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.GatewayDuration;
import dev.coppice.gateway.kind.Names.HeaderName;
import dev.coppice.gateway.kind.Names.HttpsAddress;
import dev.coppice.gateway.kind.Names.ObjectName;
import dev.coppice.gateway.kind.Names.PortNumber;
import dev.coppice.gateway.kind.Names.UrlPath;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Enumeration;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListMap;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Pattern;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Who may send requests, to Gateways and routes (a direct policy attachment, GEP-2648). */
@Required
@Rule(
        value = "has(self.authentication) || has(self.authorization)",
        message = "authentication or authorization must be given")
@Description("Who may send requests to Gateways and routes.")
public record SecurityPolicySpec(
        @Required
        @ListType("atomic")
        @Length(min = 1, max = 16)
        @Rule(value = TrafficTargetReference.OF_REQUESTS, message = TrafficTargetReference.ARE_OF_REQUESTS)
        @Rule(value = PolicyTarget.EACH_ONCE, message = "each target, or section of one, may be there once")
        @Description("Whose requests are looked at: Gateways, listeners of them, routes, or rules of them.")
        List<TrafficTargetReference> targetRefs,

        @Description("How it is found out who sends a request.") @Nullable
        Authentication authentication,

        @Description("Which requests are allowed, once it is known who sends them.") @Nullable
        Authorization authorization) {

    /** How it is found out who sends a request. */
    @Description("How it is found out who sends a request.")
    public record Authentication(
            @Length(min = 1, max = 128)
            @Pattern("^[ !#-\\[\\]-~]*$")
            @Default("\"gateway\"")
            @Description("What clients are told they need credentials for (RFC 9110, 11.5).")
            String realm,

            @Default("false")
            @Description(
                    "Requests without credentials go on, as nobody's; those with wrong ones are refused all the same.")
            boolean optional,

            @Required
            @ListMap("name")
            @Length(min = 1, max = 8)
            @Rule(
                    value = "self.filter(m, m.type == 'OIDC').size() <= 1",
                    message = "one method may be of the type OIDC; further ones belong into policies of their own")
            @Description("The methods, in the order in which they are tried; one has to succeed.")
            List<Method> methods) {}

    /** A way to find out who sends a request. */
    @Rule(
            value = "(self.type == 'APIKey') == has(self.apiKey)",
            message = "apiKey must be given with the type APIKey, and only there")
    @Rule(
            value = "(self.type == 'Basic') == has(self.basic)",
            message = "basic must be given with the type Basic, and only there")
    @Rule(
            value = "(self.type == 'JWT') == has(self.jwt)",
            message = "jwt must be given with the type JWT, and only there")
    @Rule(
            value = "(self.type == 'OIDC') == has(self.oidc)",
            message = "oidc must be given with the type OIDC, and only there")
    @Rule(
            value = "(self.type == 'External') == has(self.external)",
            message = "external must be given with the type External, and only there")
    @Rule(
            value = "!has(self.clientCertificate) || self.type == 'ClientCertificate'",
            message = "clientCertificate may be given with the type ClientCertificate only")
    @Description("A way to find out who sends a request.")
    public record Method(
            @Required
            @Length(min = 1, max = 63)
            @Pattern("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
            @Description("Its name, which conditions know as auth.name.")
            String name,

            @Required
            @Enumeration({"APIKey", "Basic", "JWT", "OIDC", "ClientCertificate", "External"})
            @Description("APIKey, Basic, JWT, OIDC, ClientCertificate or External.")
            String type,

            @Description("Keys that clients were given.") @Nullable
            ApiKey apiKey,

            @Description("Names and passwords (RFC 7617).") @Nullable
            Basic basic,

            @Description("Signed tokens of an issuer (RFC 7519).") @Nullable
            Jwt jwt,

            @Description("Sessions of people whom an issuer logs in (OpenID Connect Core 1.0, 3.1).") @Nullable
            Oidc oidc,

            @Description("The certificate that a client shows in TLS, by the listener's frontend validation.") @Nullable
            ClientCertificate clientCertificate,

            @Description("Another service is asked.") @Nullable
            External external) {}

    /** Where a request has a credential. */
    @Rule(
            value = "!has(self.prefix) || self.type == 'Header'",
            message = "prefix may be given with the type Header only")
    @Description("Where a request has the credential.")
    public record Source(
            @Required @Enumeration({"Header", "Cookie", "Query"}) @Description("Header, Cookie or Query.")
            String type,

            @Required @HeaderName @Description("The name of the header, cookie or query parameter.")
            String name,

            @Length(min = 1, max = 32)
            @Pattern("^[!-~]+ ?$")
            @Description("What stands before it in the header, such as \"Bearer \"; in any case of letters.")
            @Nullable
            String prefix) {}

    /** A Secret of the policy's namespace. */
    @Description("A Secret of the policy's namespace.")
    public record SecretName(
            @Required @ObjectName @Description("Its name.") String name) {}

    /** Keys that clients were given. */
    @Description("Keys that clients were given.")
    public record ApiKey(
            @Required
            @ListType("atomic")
            @Length(min = 1, max = 4)
            @Description("Where requests have the key: the first place that has something counts.")
            List<Source> from,

            @Required
            @ListType("atomic")
            @Length(min = 1, max = 8)
            @Description(
                    "Secrets whose data are the clients: the key of each entry is the client's id, and its lines are the keys it may use, of 16 characters at least.")
            List<SecretName> secretRefs,

            @HeaderName @Description("A header in which the backend is told the client's id.") @Nullable
            String clientIDHeader,

            @Default("false") @Description("Whether the backend sees the key.")
            boolean forward) {}

    /** Names and passwords. */
    @Description("Names and passwords (RFC 7617).")
    public record Basic(
            @Required
            @Description(
                    "Its entry .htpasswd has a line NAME:HASH for each user, with hashes of bcrypt (htpasswd -B) or Argon2id.")
            SecretName secretRef,

            @HeaderName @Description("A header in which the backend is told the user's name.") @Nullable
            String usernameHeader,

            @Default("false") @Description("Whether the backend sees the password.")
            boolean forward) {}

    /** Signed tokens of an issuer. */
    @Rule(
            value =
                    "!has(self.clockSkew) || duration(self.clockSkew) >= duration('0s') && duration(self.clockSkew) <= duration('10m')",
            message = "clockSkew must be 0s to 10m")
    @Description("Signed tokens of an issuer (RFC 7519).")
    public record Jwt(
            @Required @Length(min = 1, max = 1024) @Description("Who made them, as they say in iss.")
            String issuer,

            @ListType("atomic")
            @Length(max = 16)
            @Description("Whom they are for: one of these has to be in aud. Without any, those for anybody count.")
            List<@Length(min = 1, max = 1024) String> audiences,

            @Required @Description("The keys that sign them.")
            KeySet keys,

            @ListType("atomic")
            @Length(min = 1, max = 10)
            @Default("[\"RS256\", \"ES256\", \"EdDSA\"]")
            @Description("How they may be signed.")
            List<
                            @Enumeration({
                                "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
                            })
                            String>
                    algorithms,

            @GatewayDuration @Default("\"60s\"") @Description("How far clocks may differ, 0s to 10m.")
            String clockSkew,

            @ListType("atomic")
            @Length(min = 1, max = 4)
            @Default("[{\"type\": \"Header\", \"name\": \"Authorization\", \"prefix\": \"Bearer \"}]")
            @Description("Where requests have the token: the first place that has something counts.")
            List<Source> from,

            @ListType("atomic") @Length(max = 16) @Description("Headers in which the backend is told claims.")
            List<ClaimHeader> claimHeaders,

            @Default("false") @Description("Whether the backend sees the token.")
            boolean forward) {}

    /** Sessions of people whom an issuer logs in. */
    @Rule(
            value =
                    "!has(self.clockSkew) || duration(self.clockSkew) >= duration('0s') && duration(self.clockSkew) <= duration('10m')",
            message = "clockSkew must be 0s to 10m")
    @Rule(
            value =
                    "!has(self.lifetime) || duration(self.lifetime) >= duration('1m') && duration(self.lifetime) <= duration('720h')",
            message = "lifetime must be 1m to 720h")
    @Rule(
            value = "self.redirectPath != self.logoutPath && self.logoutPath != self.afterLogoutPath",
            message = "logoutPath must be another one than redirectPath and afterLogoutPath")
    @Rule(
            value = "self.sameSite != 'None' || !self.plainHTTP",
            message = "sameSite None needs HTTPS; browsers refuse such cookies without it")
    @Description(
            "Sessions of people whom an issuer logs in, by the authorisation code flow with PKCE (OpenID Connect Core 1.0, 3.1; RFC 7636).")
    public record Oidc(
            @Required
            @Length(min = 9, max = 1024)
            @Pattern("^https://[^/?#@\\s]+(/[^?#\\s]*)?$")
            @Description("The issuer's https address, as it says itself in iss.")
            String issuer,

            @Description("Where it answers; by default it says so itself (OpenID Connect Discovery 1.0).") @Nullable
            Endpoints endpoints,

            @ListType("atomic")
            @Length(max = 8)
            @Description(
                    "ConfigMaps or Secrets of the policy's namespace whose ca.crt has the authorities of its certificate; by default those that the machine trusts count.")
            List<LocalReference> caCertificateRefs,

            @Default("false") @Description("Whether its host may have a link-local or cloud metadata address.")
            boolean allowLinkLocal,

            @Required
            @Length(min = 1, max = 512)
            @Pattern("^[!-~]+$")
            @Description("As whom the issuer knows the gateway (client_id).")
            String clientID,

            @Required @Description("Its entry client-secret has the secret that the issuer gave out.")
            SecretName clientSecretRef,

            @Enumeration({"Basic", "Post"})
            @Default("\"Basic\"")
            @Description("How the issuer wants the secret: client_secret_basic or client_secret_post.")
            String clientAuthentication,

            @ListType("atomic")
            @Length(max = 16)
            @Description(
                    "Scopes that are asked for beside openid, such as email, or offline_access for a refresh token.")
            List<@Length(min = 1, max = 256) @Pattern("^[!#-\\[\\]-~]+$") String> scopes,

            @UrlPath
            @Default("\"/oauth2/callback\"")
            @Description("The path to which the issuer sends browsers back; a rule with this policy has to be for it.")
            String redirectPath,

            @UrlPath
            @Default("\"/oauth2/logout\"")
            @Description("The path that ends a session; a rule with this policy has to be for it.")
            String logoutPath,

            @UrlPath @Default("\"/\"") @Description("The path where browsers go after that.")
            String afterLogoutPath,

            @UrlPath
            @Description(
                    "The path at which the issuer says that sessions have ended (OpenID Connect Back-Channel Logout 1.0); a rule with this policy has to be for it. By default there is none.")
            @Nullable
            String backChannelLogoutPath,

            @Length(min = 1, max = 64)
            @Pattern("^[A-Za-z0-9][A-Za-z0-9-]*$")
            @Default("\"coppice-session\"")
            @Description("The cookie's name, without the prefix __Host- that it has.")
            String cookieName,

            @Enumeration({"Lax", "None"})
            @Default("\"Lax\"")
            @Description(
                    "Whether requests from other sites carry the cookie. With Strict a browser that comes from the issuer would have to log in again.")
            String sameSite,

            @Default("false")
            @Description(
                    "Whether browsers come by plain HTTP, as in tests; then the cookies are not Secure. By default they come by HTTPS, be it to a listener of the gateway or to what is before it.")
            boolean plainHTTP,

            @Description(
                    "Its entry key has lines of 32 characters at least: the first one encrypts sessions, all decrypt them. By default a key is derived from the client's secret.")
            @Nullable
            SecretName sessionKeyRef,

            @GatewayDuration @Default("\"8h\"") @Description("After which people have to log in again, 1m to 720h.")
            String lifetime,

            @ListType("atomic")
            @Length(min = 1, max = 10)
            @Default("[\"RS256\", \"ES256\", \"EdDSA\"]")
            @Description("How ID tokens may be signed.")
            List<
                            @Enumeration({
                                "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
                            })
                            String>
                    algorithms,

            @GatewayDuration @Default("\"60s\"") @Description("How far clocks may differ, 0s to 10m.")
            String clockSkew,

            @ListType("atomic")
            @Length(max = 16)
            @Description("Headers in which the backend is told claims of the ID token.")
            List<ClaimHeader> claimHeaders,

            @ListType("atomic")
            @Length(max = 32)
            @Description(
                    "Claims that the issuer's UserInfo endpoint is asked for at the login, such as groups; those of the ID token count first. By default it is not asked.")
            List<@Length(min = 1, max = 256) String> userInfoClaims,

            @Default("false") @Description("Whether the backend gets the access token, as Authorization: Bearer.")
            boolean forwardAccessToken) {}

    /** Where an issuer answers. */
    @Description("Where an issuer answers.")
    public record Endpoints(
            @Required @HttpsAddress @Description("Where browsers log in (authorization_endpoint).")
            String authorization,

            @Required @HttpsAddress @Description("Where codes are given for tokens (token_endpoint).")
            String token,

            @Required @HttpsAddress @Description("Where the keys are that sign tokens (jwks_uri).")
            String keys,

            @HttpsAddress @Description("Where it says more of whoever has logged in (userinfo_endpoint).") @Nullable
            String userInfo,

            @HttpsAddress @Description("Where browsers log out (end_session_endpoint).") @Nullable
            String endSession) {}

    /** The certificate that a client shows in TLS. */
    @Description("The certificate that a client shows in TLS, by the listener's frontend validation.")
    public record ClientCertificate(
            @HeaderName
            @Description("A header in which the backend is told the certificate's first URI, DNS name, or its subject.")
            @Nullable
            String nameHeader) {}

    /** Another service is asked. */
    @Rule(
            value =
                    "!has(self.timeout) || duration(self.timeout) >= duration('1ms') && duration(self.timeout) <= duration('30s')",
            message = "timeout must be 1ms to 30s")
    @Rule(
            value =
                    "self.protocol == 'HTTP' || self.path == '/' && self.clientHeaders == ['Content-Type', 'Location', 'Set-Cookie', 'WWW-Authenticate']",
            message =
                    "path and clientHeaders may be given with the protocol HTTP only; by GRPC the service says itself what clients see")
    @Description(
            "Another service is asked. By HTTP, 2xx lets the request go on, and 3xx and 4xx is what the client is answered; by GRPC it is asked as Envoy asks (envoy.service.auth.v3.Authorization/Check).")
    public record External(
            @Required @Description("The service.") ServicePort service,

            @Enumeration({"HTTP", "GRPC"})
            @Default("\"HTTP\"")
            @Description(
                    "HTTP: a request for the path, a GET without a body or a POST with it. GRPC: Envoy's external authorization.")
            String protocol,

            @Length(min = 1, max = 1024)
            @Pattern("^/[!-~]*$")
            @Default("\"/\"")
            @Description(
                    "The path that it is asked for by HTTP; X-Forwarded-Method, -Proto, -Host, -Uri and -For tell of the request.")
            String path,

            @ListType("atomic")
            @Length(max = 32)
            @Default("[\"Authorization\", \"Cookie\"]")
            @Description("Headers of the request that it sees; \"*\" stands for all, as servers made for Envoy expect.")
            List<@HeaderName String> requestHeaders,

            @Description("What it sees of the request's body; by default nothing.") @Nullable
            Body body,

            @ListType("atomic")
            @Length(max = 32)
            @Description(
                    "Headers that only it may set: they are taken out of what clients send. By HTTP, those of its answer that the backend sees; by GRPC it names itself what the backend sees.")
            List<@HeaderName String> backendHeaders,

            @ListType("atomic")
            @Length(max = 32)
            @Default("[\"Content-Type\", \"Location\", \"Set-Cookie\", \"WWW-Authenticate\"]")
            @Description("Headers of its answer by HTTP that clients see whom it refuses.")
            List<@HeaderName String> clientHeaders,

            @HeaderName
            @Description(
                    "A header of its answer, or one that it sets for the backend, with the name of who sends the request.")
            @Nullable
            String subjectHeader,

            @GatewayDuration @Default("\"1s\"") @Description("How long it has to answer, 1ms to 30s.")
            String timeout,

            @Default("false")
            @Description("Whether requests go on when it does not answer; else they are answered with 503.")
            boolean failOpen) {}

    /** What another service sees of a body. */
    @Description("What another service sees of a body. Requests wait until so much of it has come.")
    public record Body(
            @Minimum(1)
            @Maximum(1_048_576)
            @Default("8192")
            @Description("How many bytes it sees at most, 1 to 1048576.")
            int maxBytes,

            @Default("false")
            @Description("Whether it sees the beginning of longer ones; else these are answered with 413.")
            boolean allowPartial) {}

    /** A Service of the policy's namespace. */
    @Description("A port of a Service of the policy's namespace.")
    public record ServicePort(
            @Required @ObjectName @Description("The Service's name.")
            String name,

            @Required @PortNumber @Description("Its port.") int port) {}

    /** A header in which the backend is told a claim. */
    @Description("A header in which the backend is told a claim.")
    public record ClaimHeader(
            @Required
            @ListType("atomic")
            @Length(min = 1, max = 8)
            @Description("The claim's name; further ones for what is within it.")
            List<@Length(min = 1, max = 256) String> claim,

            @Required @HeaderName @Description("The header.")
            String header) {}

    /** Where the keys are that sign tokens. */
    @Rule(
            value = "(has(self.inline) ? 1 : 0) + (has(self.ref) ? 1 : 0) + (has(self.remote) ? 1 : 0) == 1",
            message = "one of inline, ref and remote must be given")
    @Description("A JSON Web Key Set (RFC 7517).")
    public record KeySet(
            @Length(min = 1, max = 65536) @Description("The set itself.") @Nullable
            String inline,

            @Description("A ConfigMap or Secret of the policy's namespace that has it in its entry jwks.") @Nullable
            LocalReference ref,

            @Description("Where the issuer publishes it.") @Nullable
            RemoteKeySet remote) {}

    /** A key set that the issuer publishes. */
    @Rule(
            value =
                    "!has(self.refresh) || duration(self.refresh) >= duration('1m') && duration(self.refresh) <= duration('24h')",
            message = "refresh must be 1m to 24h")
    @Description("A key set that the issuer publishes.")
    public record RemoteKeySet(
            @Required @HttpsAddress @Description("Its https address.")
            String uri,

            @ListType("atomic")
            @Length(max = 8)
            @Description(
                    "ConfigMaps or Secrets of the policy's namespace whose ca.crt has the authorities of its certificate; by default those that the machine trusts count.")
            List<LocalReference> caCertificateRefs,

            @GatewayDuration
            @Default("\"10m\"")
            @Description("How old a set may be before it is fetched again, 1m to 24h.")
            String refresh,

            @Default("false") @Description("Whether its host may have a link-local or cloud metadata address.")
            boolean allowLinkLocal) {}

    /** Which requests are allowed. */
    @Description("Which requests are allowed.")
    public record Authorization(
            @Enumeration({"Allow", "Deny"})
            @Default("\"Deny\"")
            @Description("What becomes of requests that no rule is for.")
            String defaultAction,

            @ListMap("name") @Length(max = 32) @Description("The rules: the first whose condition holds counts.")
            List<AccessRule> rules) {}

    /** What becomes of requests for which a condition holds. */
    @Description("What becomes of requests for which a condition holds.")
    public record AccessRule(
            @Required @Length(min = 1, max = 63) @Pattern("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$") @Description("Its name.")
            String name,

            @Required @Enumeration({"Allow", "Deny"}) @Description("Allow or Deny.")
            String action,

            @Required
            @Length(min = 1, max = 1024)
            @Description(
                    "A CEL condition over request, source and auth. One that fails is taken for false where the rule allows, and for true where it denies.")
            String when) {}
}
