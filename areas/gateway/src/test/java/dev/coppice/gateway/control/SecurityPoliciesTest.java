package dev.coppice.gateway.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.coppice.gateway.authentication.KeyMethod;
import dev.coppice.gateway.authentication.TestKeys;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.SecurityConfig;
import dev.coppice.gateway.config.SecurityConfig.Client;
import dev.coppice.gateway.config.SecurityConfig.KeySet;
import dev.coppice.gateway.config.SecurityConfig.Method;
import dev.coppice.gateway.config.SecurityConfig.Source;
import dev.coppice.gateway.config.SecurityConfig.User;
import dev.coppice.gateway.config.TrafficTarget;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SecurityPolicies: what they come to, that those which cannot be asked let nobody in, and what is said of them. */
class SecurityPoliciesTest {
    private static final String GOOD = "Accepted=True/Accepted ResolvedRefs=True/ResolvedRefs";
    private static final String GATE = "{group: gateway.networking.k8s.io, kind: Gateway, name: gate}";
    private static final String KEY = "0123456789abcdef";
    private static final String CLIENT_SECRET = "a client's secret of 32 characters";
    private static final String HASH = "$2y$04$abcdefghijklmnopqrstuuW9CXjpCuTEpe4pTzz0WzwSGBXqXJyoK";
    private static final List<TrafficTarget> AT_GATE = List.of(new TrafficTarget("Gateway", "default/gate", ""));

    @TempDir
    Path directory;

    private final World world = new World().apply("""
            kind: Gateway
            metadata: {name: gate}
            spec:
              gatewayClassName: coppice
              listeners: [{name: http, port: 80, protocol: HTTP}]
            ---
            kind: HTTPRoute
            metadata: {name: shop}
            spec: {parentRefs: [{name: gate}], rules: [{name: slow}]}
            """);

    private World policy(String name, String rest) {
        return world.apply(
                "kind: SecurityPolicy\nmetadata: {name: " + name + "}\nspec:\n  targetRefs: [" + GATE + "]\n  " + rest);
    }

    private World methods(String name, String methods) {
        return policy(name, "authentication: {methods: [" + methods + "]}");
    }

    private static String keys(String more) {
        return "{name: partners, type: APIKey, apiKey: {from: [{type: Header, name: X-Key}], secretRefs: [{name: keys}]"
                + more + "}}";
    }

    private static String token(String keys) {
        return "{name: issuer, type: JWT, jwt: {issuer: i, keys: " + keys + "}}";
    }

    private World secret(String name, String entry, String value) {
        return world.apply(
                "kind: Secret\nmetadata: {name: " + name + "}\nstringData: {" + entry + ": \"" + value + "\"}");
    }

    private static List<String> conditions(World.Outcome outcome, String policy) {
        return ((Draft.OfRoute) outcome.draft("SecurityPolicy", policy))
                .parents().stream()
                        .map(each -> each.parent().kind() + " " + each.parent().name() + " "
                                + World.Outcome.text(each.conditions()))
                        .toList();
    }

    private static String message(World.Outcome outcome, String policy) {
        return ((Draft.OfRoute) outcome.draft("SecurityPolicy", policy))
                .parents().getFirst().conditions().stream()
                        .map(Draft.Condition::message)
                        .filter(each -> !each.isEmpty())
                        .findFirst()
                        .orElse("");
    }

    /** That nobody gets in, and why. */
    private String closed(String reason, String message) {
        World.Outcome outcome = world.translate();
        assertThat(conditions(outcome, "p").getFirst()).contains(reason);
        assertThat(message(outcome, "p")).contains(message).endsWith("answered with 500");
        assertThat(outcome.config().security()).hasSize(1);
        SecurityConfig config = outcome.config().security().getFirst();
        assertThat(config.invalid()).isNotNull();
        assertThat(config.targets()).isEqualTo(AT_GATE);
        return message(outcome, "p");
    }

    @Test
    void methodsAreReadWithTheirDefaults() {
        secret("keys", "acme", KEY + "\\n\\n " + KEY + "2 ");
        secret("users", ".htpasswd", "alice:" + HASH);
        String set = new TestKeys().set();
        world.apply("kind: ConfigMap\nmetadata: {name: issuer}\ndata: {jwks: '" + set + "'}");
        methods(
                "p",
                keys(", clientIDHeader: X-Client") + ", {name: staff, type: Basic, basic: {secretRef: {name: users}}}, "
                        + token("{ref: {group: '', kind: ConfigMap, name: issuer}}") + ", "
                        + "{name: far, type: JWT, jwt: {issuer: j, audiences: [a], clockSkew: 0s, algorithms: [PS256], forward: true,"
                        + " claimHeaders: [{claim: [a, b], header: X-A}], from: [{type: Cookie, name: T}],"
                        + " keys: {remote: {uri: 'https://issuer.example/keys'}}}}");
        World.Outcome outcome = world.translate();
        assertThat(conditions(outcome, "p")).containsExactly("Gateway gate " + GOOD);
        String salt = "SecurityPolicy/default/p";
        assertThat(outcome.config().security())
                .containsExactly(new SecurityConfig(
                        "default/p",
                        AT_GATE,
                        null,
                        "gateway",
                        List.of(
                                new Method.ApiKey(
                                        "partners",
                                        List.of(new Source(Source.Type.HEADER, "x-key", "")),
                                        salt,
                                        List.of(
                                                new Client("acme", KeyMethod.hash(salt, KEY)),
                                                new Client("acme", KeyMethod.hash(salt, KEY + "2"))),
                                        "x-client",
                                        false),
                                new Method.Basic("staff", List.of(new User("alice", HASH)), null, false),
                                new Method.Jwt(
                                        "issuer",
                                        "i",
                                        List.of(),
                                        new KeySet.Known(set),
                                        List.of("RS256", "ES256", "EdDSA"),
                                        60_000,
                                        List.of(new Source(Source.Type.HEADER, "authorization", "Bearer ")),
                                        List.of(),
                                        false),
                                new Method.Jwt(
                                        "far",
                                        "j",
                                        List.of("a"),
                                        new KeySet.Remote("https://issuer.example/keys", null, 600_000, false),
                                        List.of("PS256"),
                                        0,
                                        List.of(new Source(Source.Type.COOKIE, "T", "")),
                                        List.of(new SecurityConfig.ClaimHeader(List.of("a", "b"), "x-a")),
                                        true)),
                        false,
                        null));
    }

    @Test
    void rulesAreReadAndTheRestIsDenied() {
        policy(
                "p",
                "authorization: {rules: [{name: a, action: Allow, when: \"auth.claims.role == 'admin'\"},"
                        + " {name: b, action: Deny, when: \"request.path.startsWith('/x')\"}]}");
        SecurityConfig config = world.translate().config().security().getFirst();
        assertThat(config.methods()).isEmpty();
        assertThat(config.authorization())
                .isEqualTo(new SecurityConfig.Authorization(
                        List.of(
                                new SecurityConfig.Rule("a", true, "auth.claims.role == 'admin'"),
                                new SecurityConfig.Rule("b", false, "request.path.startsWith('/x')")),
                        false));
    }

    @Test
    void whatIsNotThereLetsNobodyIn() {
        methods("p", keys(""));
        closed("Accepted=True/Accepted ResolvedRefs=False/SecretNotFound", "Secret default/keys does not exist");
        secret("keys", "acme", KEY);
        assertThat(conditions(world.translate(), "p")).containsExactly("Gateway gate " + GOOD);
        world.remove("Secret", "default", "keys");
        closed("ResolvedRefs=False/SecretNotFound", "authentication.methods[0] (partners).apiKey.secretRefs[0]");
    }

    @Test
    void whatCannotBeUsedLetsNobodyInAndIsNotTold() {
        methods("p", keys(""));
        secret("keys", "acme", "tooshort");
        assertThat(closed("ResolvedRefs=False/InvalidReference", "entry acme of Secret default/keys has a key"))
                .doesNotContain("tooshort");
        secret("keys", "acme", KEY + " " + KEY);
        closed("ResolvedRefs=False/InvalidReference", "without blanks");
        world.apply("kind: Secret\nmetadata: {name: keys}\nstringData: {a: " + KEY + ", b: " + KEY + "}");
        closed("ResolvedRefs=False/InvalidReference", "entry b of Secret default/keys has a key that is there twice");

        methods("p", "{name: staff, type: Basic, basic: {secretRef: {name: users}}}");
        secret("users", "other", "x");
        closed("ResolvedRefs=False/InvalidReference", "lacks the entry .htpasswd");
        secret("users", ".htpasswd", "alice:hunter2");
        assertThat(closed("ResolvedRefs=False/InvalidReference", "line 1: the hash of user alice"))
                .doesNotContain("hunter2");

        methods("p", token("{ref: {group: '', kind: ConfigMap, name: issuer}}"));
        closed("ResolvedRefs=False/ConfigMapNotFound", "ConfigMap default/issuer does not exist");
        world.apply("kind: ConfigMap\nmetadata: {name: issuer}\ndata: {jwks: '{}'}");
        closed("ResolvedRefs=False/InvalidReference", "has no list keys");
        methods("p", token("{ref: {group: apps, kind: Deployment, name: issuer}}"));
        closed("ResolvedRefs=False/InvalidKind", "apps/Deployment default/issuer is not supported");
    }

    @Test
    void aPolicyThatIsWrongLetsNobodyIn() {
        policy("p", "authorization: {rules: [{name: a, action: Allow, when: \"auth.nothing\"}]}");
        closed("Accepted=False/Invalid", "authorization.rules[0] (a).when: ");
        methods("p", token("{inline: '{}'}"));
        closed("Accepted=False/Invalid", "jwt.keys.inline: the key set has no list keys");
        secret("keys", "acme", KEY);
        methods("p", keys(", clientIDHeader: Host"));
        closed("Accepted=False/Invalid", "apiKey.clientIDHeader: Host has another meaning");
    }

    @Test
    void servicesThatAreAskedHaveUpstreams() {
        methods(
                "p",
                "{name: sso, type: External, external: {service: {name: sso, port: 80}, backendHeaders: [X-User]}}");
        closed(
                "Accepted=True/Accepted ResolvedRefs=False/BackendNotFound",
                "external.service: Service default/sso does not exist");
        world.service("default", "sso", "{name: http, port: 80}", "10.0.0.1");
        World.Outcome outcome = world.translate();
        assertThat(conditions(outcome, "p")).containsExactly("Gateway gate " + GOOD);
        assertThat(outcome.config().security().getFirst().methods())
                .containsExactly(new Method.External(
                        "sso",
                        "default/sso:80",
                        "/",
                        List.of("Authorization", "Cookie"),
                        List.of("x-user"),
                        List.of("Content-Type", "Location", "Set-Cookie", "WWW-Authenticate"),
                        null,
                        1000,
                        false));
        assertThat(outcome.config().upstreams())
                .anyMatch(each ->
                        each.name().equals("default/sso:80") && each.endpoints().size() == 1);
        methods("p", "{name: sso, type: External, external: {service: {name: sso, port: 81}}}");
        closed("ResolvedRefs=False/BackendNotFound", "has no port 81");
        methods("p", "{name: sso, type: External, external: {service: {name: sso, port: 80}, backendHeaders: [Host]}}");
        closed("Accepted=False/Invalid", "external.backendHeaders[0]: Host has another meaning");
    }

    @Test
    void servicesThatAreAskedByGrpcAreSpokenToInHttp2() {
        world.service("default", "opa", "{name: grpc, port: 9191}", "10.0.0.1");
        world.service("default", "ws", "{name: ws, port: 80, appProtocol: kubernetes.io/ws}", "10.0.0.1");
        methods(
                "p",
                "{name: opa, type: External, external: {service: {name: opa, port: 9191}, protocol: GRPC, requestHeaders: ['*'], body: {allowPartial: true}}}");
        World.Outcome outcome = world.translate();
        assertThat(conditions(outcome, "p")).containsExactly("Gateway gate " + GOOD);
        assertThat(outcome.config().security().getFirst().methods())
                .containsExactly(new Method.External(
                        "opa",
                        "default/opa:9191/h2c",
                        "/",
                        List.of("*"),
                        List.of(),
                        List.of("Content-Type", "Location", "Set-Cookie", "WWW-Authenticate"),
                        null,
                        1000,
                        false,
                        true,
                        new SecurityConfig.SeenBody(8192, true)));
        methods("p", "{name: ws, type: External, external: {service: {name: ws, port: 80}, protocol: GRPC}}");
        closed("ResolvedRefs=False/UnsupportedProtocol", "needs a port that speaks HTTP/2");
    }

    @Test
    void certificatesOfClientsNeedNothingElse() {
        methods(
                "p",
                "{name: a, type: ClientCertificate}, {name: b, type: ClientCertificate, clientCertificate: {nameHeader: X-Name}}");
        assertThat(world.translate().config().security().getFirst().methods())
                .containsExactly(new Method.ClientCertificate("a", null), new Method.ClientCertificate("b", "x-name"));
    }

    @Test
    void tooManyPoliciesLetNobodyIn() {
        for (int i = 10; i < 27; i++) {
            policy("p" + i, "authorization: {}");
        }
        World.Outcome outcome = world.translate();
        assertThat(conditions(outcome, "p26").getFirst()).contains("Accepted=False/TooManyPolicies");
        assertThat(outcome.config().security())
                .hasSize(17)
                .last()
                .matches(each -> each.invalid() != null && each.targets().equals(AT_GATE));
    }

    @Test
    void targetsAreThoseOfOtherPolicies() {
        world.apply("""
                kind: SecurityPolicy
                metadata: {name: p}
                spec:
                  targetRefs:
                  - {group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop, sectionName: slow}
                  - {group: gateway.networking.k8s.io, kind: HTTPRoute, name: none}
                  authorization: {}
                """);
        World.Outcome outcome = world.translate();
        assertThat(conditions(outcome, "p"))
                .containsExactly(
                        "Gateway gate " + GOOD,
                        "HTTPRoute none Accepted=False/TargetNotFound ResolvedRefs=True/ResolvedRefs");
        assertThat(outcome.config().security().getFirst().targets())
                .containsExactly(new TrafficTarget("HTTPRoute", "default/shop", "slow"));
    }

    private static String people(String more) {
        return "{name: people, type: OIDC, oidc: {issuer: 'https://id.example', clientID: shop, clientSecretRef: {name: client}"
                + more + "}}";
    }

    @Test
    void sessionsAreReadWithTheirDefaults() {
        secret("client", "client-secret", CLIENT_SECRET);
        secret("sessions", "key", "k".repeat(32) + "\\n\\n" + "l".repeat(40));
        methods(
                "p",
                people(
                        ", scopes: [email, openid], sessionKeyRef: {name: sessions}, clientAuthentication: Post, plainHTTP: true,"
                                + " endpoints: {authorization: 'https://a.example/a', token: 'https://a.example/t', keys: 'https://a.example/k'}"));
        World.Outcome outcome = world.translate();
        assertThat(conditions(outcome, "p")).containsExactly("Gateway gate " + GOOD);
        assertThat(outcome.config().security().getFirst().methods())
                .containsExactly(new Method.Oidc(
                        "people",
                        "https://id.example",
                        new SecurityConfig.Endpoints(
                                "https://a.example/a", "https://a.example/t", "https://a.example/k", null, null),
                        null,
                        false,
                        "shop",
                        new SecurityConfig.Secret(CLIENT_SECRET),
                        true,
                        List.of("openid", "email"),
                        "/oauth2/callback",
                        "/oauth2/logout",
                        "/",
                        null,
                        new SecurityConfig.SessionCookies(
                                "coppice-session",
                                "Lax",
                                true,
                                List.of(
                                        new SecurityConfig.Secret("k".repeat(32)),
                                        new SecurityConfig.Secret("l".repeat(40)))),
                        28_800_000,
                        List.of("RS256", "ES256", "EdDSA"),
                        60_000,
                        List.of(),
                        List.of(),
                        false));
        methods("p", people(""));
        assertThat(((Method.Oidc) world.translate()
                                .config()
                                .security()
                                .getFirst()
                                .methods()
                                .getFirst())
                        .cookies()
                        .keys())
                .containsExactly(new SecurityConfig.Secret(CLIENT_SECRET));
    }

    @Test
    void sessionsNeedSecretsThatNobodyGuesses() {
        methods("p", people(""));
        closed("ResolvedRefs=False/SecretNotFound", "oidc.clientSecretRef: Secret default/client does not exist");
        secret("client", "client-secret", "short");
        assertThat(closed("ResolvedRefs=False/InvalidReference", "give a sessionKeyRef"))
                .doesNotContain("short");
        methods("p", people(", sessionKeyRef: {name: sessions}"));
        closed("ResolvedRefs=False/SecretNotFound", "oidc.sessionKeyRef: Secret default/sessions does not exist");
        secret("sessions", "key", "k".repeat(31));
        closed("ResolvedRefs=False/InvalidReference", "lines of 32 characters at least");
        secret("sessions", "key", "k".repeat(32));
        assertThat(conditions(world.translate(), "p")).containsExactly("Gateway gate " + GOOD);
        methods("p", people(", redirectPath: /a/../b"));
        closed("Accepted=False/Invalid", "oidc.redirectPath: \"/a/../b\": expected a path in its normal form");
        methods("p", people(", backChannelLogoutPath: /oauth2/callback"));
        closed(
                "Accepted=False/Invalid",
                "oidc.backChannelLogoutPath: \"/oauth2/callback\" is redirectPath, too; expected another path");
        methods("p", people(", backChannelLogoutPath: /a/../b"));
        closed("Accepted=False/Invalid", "oidc.backChannelLogoutPath: \"/a/../b\": expected a path");
        methods("p", people(", endpoints: {authorization: 'https://[x', token: 'https://a', keys: 'https://a'}"));
        closed("Accepted=False/Invalid", "oidc.endpoints.authorization");
        methods("p", people(", claimHeaders: [{claim: [sub], header: Cookie}]"));
        closed("Accepted=False/Invalid", "oidc.claimHeaders[0].header: Cookie has another meaning");
    }

    @Test
    void whatIsSavedHasNoSecretsAndIsReadAgain() throws Exception {
        secret("keys", "acme", KEY);
        secret("client", "client-secret", CLIENT_SECRET);
        methods("p", keys("") + ", " + people("") + ", " + token("{remote: {uri: 'https://issuer.example/keys'}}"));
        GatewayConfig config = world.translate().config();
        Path file = directory.resolve("config.json");
        SavedConfig saved = World.saved(file);
        saved.write(config);
        assertThat(Files.readString(file, StandardCharsets.ISO_8859_1)).doesNotContain(KEY, CLIENT_SECRET);
        assertThat(config.toString()).doesNotContain(KEY, CLIENT_SECRET);
        assertThat(saved.read().orElseThrow().security()).isEqualTo(config.security());
        // What an earlier version wrote has none.
        assertThat(new JsonMapper()
                        .readValue("{\"listeners\":[],\"upstreams\":[]}", GatewayConfig.class)
                        .security())
                .isEmpty();
    }
}
