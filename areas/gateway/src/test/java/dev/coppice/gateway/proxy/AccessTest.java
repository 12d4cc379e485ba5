package dev.coppice.gateway.proxy;

import static dev.coppice.gateway.proxy.ProxyFixture.rule;
import static dev.coppice.gateway.proxy.ProxyFixture.upstream;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.authentication.KeyMethod;
import dev.coppice.gateway.authentication.TestKeys;
import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.LimitConfig;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.SecurityConfig;
import dev.coppice.gateway.config.SecurityConfig.Client;
import dev.coppice.gateway.config.SecurityConfig.KeySet;
import dev.coppice.gateway.config.SecurityConfig.Method;
import dev.coppice.gateway.config.SecurityConfig.Rule;
import dev.coppice.gateway.config.SecurityConfig.Source;
import dev.coppice.gateway.config.SecurityConfig.User;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.kernel.FreePorts;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.bouncycastle.crypto.generators.OpenBSDBCrypt;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Security policies, seen by clients of the data plane, and by the backend. */
@Timeout(60)
class AccessTest {
    private static final List<TrafficTarget> GATEWAY = List.of(new TrafficTarget("Gateway", "default/gateway", ""));
    private static final List<TrafficTarget> ROUTE = List.of(new TrafficTarget("HTTPRoute", "default/route", ""));
    private static final TestKeys KEYS = new TestKeys();
    private static final String KEY = "0123456789abcdef";
    private static final Method.ApiKey BY_KEY = new Method.ApiKey(
            "partners",
            List.of(
                    new Source(Source.Type.HEADER, "x-key", ""),
                    new Source(Source.Type.COOKIE, "key", ""),
                    new Source(Source.Type.QUERY, "key", "")),
            "salt",
            List.of(
                    new Client("acme", KeyMethod.hash("salt", KEY)),
                    new Client("zeta", KeyMethod.hash("salt", KEY + "z"))),
            "x-client",
            false);
    private static final Method.Basic BY_PASSWORD = new Method.Basic(
            "staff",
            List.of(new User(
                    "alice", OpenBSDBCrypt.generate("2y", "secret".getBytes(StandardCharsets.UTF_8), new byte[16], 4))),
            "x-user",
            false);
    private static final String BASIC = "Authorization: Basic "
            + Base64.getEncoder().encodeToString("alice:secret".getBytes(StandardCharsets.UTF_8));

    @TempDir
    Path directory;

    private ProxyFixture proxy;
    private Backend backend;

    @BeforeEach
    void start() throws Exception {
        proxy = new ProxyFixture(ProxyOptions.DEFAULT.withLoops(2).withAccessLog(directory.resolve("access.log")));
        backend = Backend.saying("hello");
    }

    @AfterEach
    void stop() throws Exception {
        proxy.awaitNothingOpen();
        proxy.close();
        backend.close();
    }

    private static Method.Jwt byToken(boolean forward) {
        return new Method.Jwt(
                "issuer",
                "i",
                List.of(),
                new KeySet.Known(KEYS.set()),
                List.of("ES256"),
                0,
                List.of(new Source(Source.Type.HEADER, "authorization", "Bearer ")),
                List.of(new SecurityConfig.ClaimHeader(List.of("sub"), "x-user")),
                forward);
    }

    private String token(String more) {
        long end = proxy.kernel.clock().now().getEpochSecond() + 600;
        return "Authorization: Bearer "
                + KEYS.token("ES256", "{\"iss\":\"i\",\"sub\":\"bob\",\"exp\":" + end + more + "}");
    }

    private static SecurityConfig policy(String name, List<TrafficTarget> targets, Method... methods) {
        return new SecurityConfig("default/" + name, targets, null, "shop", List.of(methods), false, null);
    }

    private static SecurityConfig rules(SecurityConfig policy, boolean allowsOthers, Rule... rules) {
        return new SecurityConfig(
                policy.name(),
                policy.targets(),
                null,
                policy.realm(),
                policy.methods(),
                policy.optional(),
                new SecurityConfig.Authorization(List.of(rules), allowsOthers));
    }

    private static SecurityConfig optional(SecurityConfig policy) {
        return new SecurityConfig(
                policy.name(), policy.targets(), null, policy.realm(), policy.methods(), true, policy.authorization());
    }

    private static RouteConfig route(RuleConfig... rules) {
        return new RouteConfig("HTTPRoute", "default", "route", 0, List.of(), List.of(rules));
    }

    private void serve(SecurityConfig... policies) {
        proxy.serveRoutes(List.of(), List.of(policies), List.of(route(rule("u"))), upstream("u", backend.port()));
    }

    private String get(String target, String... headers) throws Exception {
        return proxy.get(target, headers).toLowerCase(Locale.ROOT);
    }

    private int status(String target, String... headers) throws Exception {
        return Integer.parseInt(get(target, headers).substring(9, 12));
    }

    private Backend.Seen last() {
        return backend.seen.getLast();
    }

    private double counted(String policy, String outcome) {
        return proxy.kernel.metrics().scrape().stream()
                .filter(each -> each.getMetadata().getPrometheusName().equals("coppice_gateway_access_requests"))
                .flatMap(each -> ((CounterSnapshot) each).getDataPoints().stream())
                .filter(each -> each.getLabels().equals(Labels.of("policy", policy, "outcome", outcome)))
                .mapToDouble(CounterSnapshot.CounterDataPointSnapshot::getValue)
                .sum();
    }

    private void awaitLogged(String... parts) {
        Path log = directory.resolve("access.log");
        ProxyFixture.await(() -> {
            try {
                String text = Files.exists(log) ? Files.readString(log) : "";
                return List.of(parts).stream().allMatch(text::contains);
            } catch (java.io.IOException e) {
                return false;
            }
        });
    }

    @Test
    void withoutCredentialsNobodyGetsInAndIsToldHow() throws Exception {
        serve(policy("p", GATEWAY, BY_KEY, BY_PASSWORD, byToken(false)));
        String answer = get("/");
        assertThat(answer)
                .startsWith("http/1.1 401 unauthorized")
                .contains("\r\nwww-authenticate: apikey realm=\"shop\"\r\n")
                .contains("\r\nwww-authenticate: basic realm=\"shop\", charset=\"utf-8\"\r\n")
                .contains("\r\nwww-authenticate: bearer realm=\"shop\"\r\n")
                .endsWith("credentials are needed\n");
        assertThat(backend.seen).isEmpty();
        assertThat(counted("default/p", "unauthenticated")).isEqualTo(1);
        awaitLogged("\"status\":401", "\"policy\":\"default/p\"");
    }

    @Test
    void oneMethodIsEnough() throws Exception {
        serve(policy("p", GATEWAY, BY_KEY, BY_PASSWORD, byToken(false)));
        assertThat(status("/", "X-Key: " + KEY)).isEqualTo(200);
        assertThat(last().header("x-client")).hasValue("acme");
        assertThat(last().header("x-key")).isEmpty();
        assertThat(status("/", BASIC)).isEqualTo(200);
        assertThat(last().header("x-user")).hasValue("alice");
        assertThat(last().header("authorization")).isEmpty();
        assertThat(status("/", token(""))).isEqualTo(200);
        assertThat(last().header("x-user")).hasValue("bob");
        assertThat(last().header("authorization")).isEmpty();
        assertThat(counted("default/p", "allowed")).isEqualTo(3);
        awaitLogged("\"subject\":\"acme\"", "\"subject\":\"alice\"", "\"subject\":\"bob\"");
    }

    @Test
    void wrongCredentialsAreRefused() throws Exception {
        serve(policy("p", GATEWAY, BY_KEY, BY_PASSWORD, byToken(false)));
        assertThat(get("/", "X-Key: x" + KEY)).startsWith("http/1.1 401").endsWith("the key is not known\n");
        assertThat(get("/", BASIC.replace("YWxp", "YWxq")))
                .startsWith("http/1.1 401")
                .contains("password is wrong");
        assertThat(get("/", token("") + "x"))
                .startsWith("http/1.1 401")
                .contains("error=\"invalid_token\", error_description=\"the signature of the token is wrong\"");
        assertThat(get("/", BASIC, BASIC)).startsWith("http/1.1 401").contains("more than once");
        // Several methods may have something to look at; one is enough.
        assertThat(status("/", "X-Key: " + KEY, token("") + "x")).isEqualTo(200);
        assertThat(last().header("authorization")).isEmpty();
        assertThat(backend.seen).hasSize(1);
    }

    @Test
    void whoNeedNotSayWhoTheyAreMayNotLie() throws Exception {
        serve(optional(policy("p", GATEWAY, BY_KEY)));
        assertThat(status("/")).isEqualTo(200);
        assertThat(status("/", "X-Key: wrong")).isEqualTo(401);
        assertThat(status("/", "X-Key: " + KEY)).isEqualTo(200);
        assertThat(status("/", "X-Client: acme")).isEqualTo(200);
        assertThat(last().header("x-client")).isEmpty();
    }

    @Test
    void clientsCannotSayWhoTheyAre() throws Exception {
        serve(policy("p", GATEWAY, BY_KEY));
        for (String header : List.of("X-Client", "x_client", "X-CLIENT", "X_Client")) {
            assertThat(status("/", "X-Key: " + KEY, header + ": zeta", header + ": other"))
                    .isEqualTo(200);
            assertThat(last().headers())
                    .filteredOn(each ->
                            each.toLowerCase(Locale.ROOT).replace('_', '-').startsWith("x-client:"))
                    .containsExactly("x-client: acme");
        }
        // Nor have it taken out as a header of their connection.
        try (ProxyFixture.Client client = proxy.client()) {
            client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: x-client\r\nX-Key: " + KEY + "\r\n\r\n");
            assertThat(client.answer()).startsWith("HTTP/1.1 200");
        }
        assertThat(last().header("x-client")).hasValue("acme");
        // Nor in trailers.
        try (ProxyFixture.Client client = proxy.client()) {
            client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX-Key: " + KEY
                    + "\r\n\r\n1\r\na\r\n0\r\nX-Client: zeta\r\n\r\n");
            assertThat(client.answer()).startsWith("HTTP/1.1 200");
        }
        assertThat(last().header("x-client")).hasValue("acme");
    }

    @Test
    void credentialsInCookiesAndQueriesAreTakenOutAndNotLogged() throws Exception {
        serve(policy("p", GATEWAY, BY_KEY));
        assertThat(status("/a?b=1&key=" + KEY + "&c=%20", "Cookie: a=b; key=" + KEY + "z; c=d"))
                .isEqualTo(200);
        assertThat(last().line()).isEqualTo("GET /a?b=1&c=%20 HTTP/1.1");
        assertThat(last().header("cookie")).hasValue("a=b; c=d");
        assertThat(last().header("x-client")).hasValue("zeta");
        assertThat(status("/a?k%65y=" + KEY)).isEqualTo(200);
        assertThat(last().line()).isEqualTo("GET /a HTTP/1.1");
        assertThat(status("/a?key=" + KEY + "&key=" + KEY)).isEqualTo(401);
        awaitLogged("\"target\":\"/a?b=1&c=%20\"", "\"status\":401");
        assertThat(Files.readString(directory.resolve("access.log"))).doesNotContain(KEY);
    }

    @Test
    void whatIsToBeForwardedIs() throws Exception {
        serve(policy("p", GATEWAY, BY_PASSWORD, byToken(true)));
        String token = token("");
        assertThat(status("/", token)).isEqualTo(200);
        assertThat(last().headers()).contains(token);
        assertThat(status("/", BASIC)).isEqualTo(200);
        assertThat(last().header("authorization")).isEmpty();
    }

    @Test
    void policiesOfTheGatewayAndOfItsRoutesAllCount() throws Exception {
        serve(policy("gate", GATEWAY, BY_KEY), policy("route", ROUTE, byToken(false)));
        assertThat(status("/")).isEqualTo(401);
        assertThat(status("/", token(""))).isEqualTo(401);
        assertThat(status("/", "X-Key: " + KEY)).isEqualTo(401);
        assertThat(status("/", "X-Key: " + KEY, token(""))).isEqualTo(200);
        assertThat(last().header("x-client")).hasValue("acme");
        assertThat(last().header("x-user")).hasValue("bob");
        // Whoever has the route cannot open it.
        serve(policy("gate", GATEWAY, BY_KEY), rules(policy("route", ROUTE), true));
        assertThat(status("/")).isEqualTo(401);
    }

    @Test
    void rulesAllowAndDeny() throws Exception {
        serve(rules(
                optional(policy("p", GATEWAY, BY_KEY, byToken(false))),
                false,
                new Rule("never", false, "request.path == '/never'"),
                new Rule(
                        "partner",
                        true,
                        "auth.method == 'APIKey' && auth.name == 'partners' && auth.subject == 'acme'"),
                new Rule("admins", true, "'admin' in auth.claims.groups"),
                new Rule("public", true, "request.path.startsWith('/public')")));
        assertThat(get("/")).startsWith("http/1.1 403 forbidden").endsWith("this is not allowed\n");
        assertThat(status("/public/a")).isEqualTo(200);
        assertThat(status("/", "X-Key: " + KEY)).isEqualTo(200);
        assertThat(status("/", "X-Key: " + KEY + "z")).isEqualTo(403);
        assertThat(status("/never", "X-Key: " + KEY)).isEqualTo(403);
        assertThat(status("/", token(",\"groups\":[\"dev\",\"admin\"]"))).isEqualTo(200);
        assertThat(status("/", token(",\"groups\":[\"dev\"]"))).isEqualTo(403);
        // Without the claim the condition fails, and allows nothing.
        assertThat(status("/", token(""))).isEqualTo(403);
        assertThat(counted("default/p", "denied")).isEqualTo(5);
    }

    @Test
    void aConditionThatFailsDeniesWhereItWouldDeny() throws Exception {
        serve(rules(
                optional(policy("p", GATEWAY, byToken(false))),
                true,
                new Rule("banned", false, "auth.claims.banned == true")));
        assertThat(status("/")).isEqualTo(403);
        assertThat(status("/", token(",\"banned\":true"))).isEqualTo(403);
        assertThat(status("/", token(",\"banned\":false"))).isEqualTo(200);
    }

    @Test
    void aPolicyThatCannotBeAskedLetsNobodyIn() throws Exception {
        serve(SecurityConfig.invalid("default/p", "it is not there").at(ROUTE));
        assertThat(get("/", "X-Key: " + KEY)).startsWith("http/1.1 500").doesNotContain("it is not there");
        assertThat(counted("default/p", "invalid")).isEqualTo(1);
        assertThat(backend.seen).isEmpty();
    }

    @Test
    void keysThatCannotBeFetchedLetNobodyIn() throws Exception {
        int nobody = FreePorts.next();
        Method.Jwt known = byToken(false);
        serve(policy(
                "p",
                GATEWAY,
                new Method.Jwt(
                        known.name(),
                        known.issuer(),
                        known.audiences(),
                        new KeySet.Remote("https://127.0.0.1:" + nobody + "/keys", null, 600_000, false),
                        known.algorithms(),
                        0,
                        known.from(),
                        known.headers(),
                        false)));
        assertThat(get("/", token(""))).startsWith("http/1.1 503").contains("the keys of the issuer are not known");
        assertThat(status("/")).isEqualTo(401);
        assertThat(counted("default/p", "unavailable")).isEqualTo(1);
    }

    @Test
    void preflightRequestsNeedNoCredentials() throws Exception {
        FilterConfig.Cors cors =
                new FilterConfig.Cors(List.of("https://a.example"), true, List.of("GET"), List.of(), List.of(), 5);
        proxy.serveRoutes(
                List.of(),
                List.of(policy("p", GATEWAY, BY_KEY)),
                List.of(route(rule("u", cors))),
                upstream("u", backend.port()));
        assertThat(proxy.exchange("OPTIONS / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nOrigin: https://a.example\r\n"
                        + "Access-Control-Request-Method: GET\r\n\r\n"))
                .startsWith("HTTP/1.1 200");
        // Pages may read why they are refused.
        assertThat(get("/", "Origin: https://a.example"))
                .startsWith("http/1.1 401")
                .contains("access-control-allow-origin: https://a.example");
        assertThat(backend.seen).isEmpty();
    }

    @Test
    void callsOfGrpcAreAnsweredAsSuch() throws Exception {
        serve(policy("p", GATEWAY, BY_KEY));
        assertThat(get("/a.B/C", "Content-Type: application/grpc"))
                .startsWith("http/1.1 200")
                .contains("grpc-status: 16");
        serve(rules(policy("p", GATEWAY), false));
        assertThat(get("/a.B/C", "Content-Type: application/grpc+proto"))
                .startsWith("http/1.1 200")
                .contains("grpc-status: 7");
    }

    @Test
    void limitsMayCountBySubject() throws Exception {
        LimitConfig limit = new LimitConfig(
                "default/limit/each",
                GATEWAY,
                LimitConfig.Algorithm.TOKEN_BUCKET,
                1,
                3_600_000_000_000L,
                1,
                List.of(new LimitConfig.KeyPart.Expression("auth.subject"), new LimitConfig.KeyPart.Header("x-client")),
                "has(auth.claims.vip) == false",
                false);
        proxy.serveRoutes(
                List.of(limit),
                List.of(policy("p", GATEWAY, BY_KEY, byToken(false))),
                List.of(route(rule("u"))),
                upstream("u", backend.port()));
        assertThat(status("/", "X-Key: " + KEY)).isEqualTo(200);
        assertThat(status("/", "X-Key: " + KEY)).isEqualTo(429);
        assertThat(status("/", "X-Key: " + KEY + "z")).isEqualTo(200);
        assertThat(status("/", token(",\"vip\":true"))).isEqualTo(200);
        assertThat(status("/", token(",\"vip\":true"))).isEqualTo(200);
        // Who is refused uses up nothing.
        assertThat(status("/")).isEqualTo(401);
    }

    /** Sends it eight times at once, with a password. */
    private void post(String body) throws Exception {
        List<Callable<String>> all = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            all.add(() -> proxy.exchange("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + BASIC
                    + "\r\nContent-Length: " + body.length() + "\r\n\r\n" + body));
        }
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Future<String> each : clients.invokeAll(all)) {
                assertThat(each.get()).startsWith("HTTP/1.1 200");
            }
        }
    }

    @Test
    void bodiesWaitUntilItIsKnownWhoSendsThem() throws Exception {
        serve(policy("p", GATEWAY, BY_PASSWORD));
        String body = "x".repeat(500_000);
        post(body);
        assertThat(backend.seen).hasSize(8).allMatch(each -> each.body().equals(body));
    }

    @Test
    void copiesHaveWhatCameMeanwhile() throws Exception {
        String body = "x".repeat(20_000);
        try (Backend copies = Backend.saying("copy")) {
            proxy.serveRoutes(
                    List.of(),
                    List.of(policy("p", GATEWAY, BY_PASSWORD)),
                    List.of(route(rule("u", new FilterConfig.Mirror("copies", 1, 1)))),
                    upstream("u", backend.port()),
                    upstream("copies", copies.port()));
            post(body);
            ProxyFixture.await(() -> copies.seen.size() == 8);
            assertThat(copies.seen)
                    .allMatch(each -> each.body().equals(body)
                            && each.header("authorization").isEmpty());
        }
    }

    @Test
    void clientsThatGoWhileTheyAreLookedAtLeaveNothingBehind() throws Exception {
        serve(policy("p", GATEWAY, BY_PASSWORD));
        for (int i = 0; i < 50; i++) {
            ProxyFixture.Client client = proxy.client();
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nAuthorization: Basic "
                    + Base64.getEncoder().encodeToString(("alice:" + i).getBytes(StandardCharsets.UTF_8))
                    + "\r\n\r\nabc");
            client.reset();
        }
        proxy.awaitNothingOpen();
        assertThat(status("/", BASIC)).isEqualTo(200);
    }

    @Test
    void oneConnectionMayAskAgain() throws Exception {
        serve(policy("p", GATEWAY, BY_PASSWORD));
        try (ProxyFixture.Client client = proxy.client()) {
            for (@Nullable String header : new String[] {null, BASIC, "Authorization: Basic eDp5", BASIC}) {
                client.send("GET / HTTP/1.1\r\nHost: a\r\n" + (header == null ? "" : header + "\r\n") + "\r\n");
                assertThat(client.answer()).startsWith("HTTP/1.1 " + (BASIC.equals(header) ? "200" : "401"));
            }
        }
    }

    private static Method.External asking(long timeoutMillis, boolean failOpen) {
        return new Method.External(
                "sso",
                "sso",
                "/verify?a=b",
                List.of("Authorization", "Cookie"),
                List.of("x-user", "x-group"),
                List.of("Location", "Set-Cookie", "WWW-Authenticate"),
                "X-User",
                timeoutMillis,
                failOpen);
    }

    private void serveAsking(Method.External method, int port, SecurityConfig... further) {
        List<SecurityConfig> all = new ArrayList<>(List.of(policy("p", GATEWAY, method)));
        all.addAll(List.of(further));
        proxy.serveRoutes(
                List.of(), all, List.of(route(rule("u"))), upstream("u", backend.port()), upstream("sso", port));
    }

    @Test
    void anotherServiceMayBeAsked() throws Exception {
        try (Backend sso = new Backend((request, _) -> request.header("cookie")
                .map(cookie -> cookie.equals("s=good")
                        ? "HTTP/1.1 200 OK\r\n"
                                + "X-User: carol\r\n"
                                + "X-Group: a\r\n"
                                + "X-Group: b\r\n"
                                + "X-Other: c\r\n"
                                + "Content-Length: 2\r\n\r\n"
                                + "ok"
                        : "HTTP/1.1 403 Forbidden\r\nX-Inner: y\r\nContent-Length: 7\r\n\r\nno way!")
                .orElse("HTTP/1.1 302 Found\r\nLocation: https://sso.example/\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
                        + "Content-Length: 0\r\n\r\n"))) {
            serveAsking(
                    asking(5000, false),
                    sso.port(),
                    rules(policy("q", ROUTE), false, new Rule("carol", true, "auth.subject == 'carol'")));
            assertThat(status(
                            "/shop?x=1",
                            "Cookie: s=good",
                            "X-User: mallory",
                            "X-Forwarded-Uri: /public",
                            "X-Secret: s"))
                    .isEqualTo(200);
            Backend.Seen asked = sso.seen.getLast();
            assertThat(asked.line()).isEqualTo("GET /verify?a=b HTTP/1.1");
            assertThat(asked.headers())
                    .containsExactlyInAnyOrder(
                            "Cookie: s=good",
                            "host: example.org",
                            "x-forwarded-for: 127.0.0.1",
                            "x-forwarded-host: example.org",
                            "x-forwarded-method: GET",
                            "x-forwarded-proto: http",
                            "x-forwarded-uri: /shop?x=1");
            assertThat(last().headers()).contains("x-user: carol", "x-group: a", "x-group: b", "Cookie: s=good");
            assertThat(last().header("x-other")).isEmpty();
            assertThat(get("/"))
                    .startsWith("http/1.1 302 found")
                    .contains(
                            "\r\nlocation: https://sso.example/\r\n",
                            "\r\nset-cookie: a=1\r\n",
                            "\r\nset-cookie: b=2\r\n");
            assertThat(get("/", "Cookie: s=bad"))
                    .startsWith("http/1.1 403 forbidden")
                    .doesNotContain("x-inner")
                    .endsWith("no way!");
            assertThat(get("/a.B/C", "Content-Type: application/grpc")).contains("grpc-status: 2");
            assertThat(backend.seen).hasSize(1);
            awaitLogged("\"subject\":\"carol\"", "\"status\":302");
            // Connections are kept.
            assertThat(sso.connections.get()).isLessThanOrEqualTo(2);
        }
    }

    @Test
    void bodiesWaitWhileAnotherServiceIsAsked() throws Exception {
        try (Backend sso = Backend.saying("ok")) {
            serveAsking(asking(5000, false), sso.port());
            String body = "x".repeat(300_000);
            post(body);
            assertThat(backend.seen).hasSize(8).allMatch(each -> each.body().equals(body));
            assertThat(sso.seen)
                    .hasSize(8)
                    .allMatch(each ->
                            each.line().startsWith("GET ") && each.body().isEmpty());
        }
    }

    @Test
    void aServiceThatDoesNotAnswerLetsNobodyInUnlessItMay() throws Exception {
        int nobody = FreePorts.next();
        serveAsking(asking(5000, false), nobody);
        assertThat(get("/")).startsWith("http/1.1 503").contains("the service that is asked does not answer");
        serveAsking(asking(5000, true), nobody);
        assertThat(status("/")).isEqualTo(200);
        try (Backend mute = new Backend((_, conversation) -> {
            int end = conversation.in().read();
            return end < 0 ? null : "";
        })) {
            serveAsking(asking(50, false), mute.port());
            assertThat(get("/")).startsWith("http/1.1 503").contains("in time");
        }
        for (String bad : List.of(
                "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + "x".repeat(100_000),
                "nonsense\r\n\r\n")) {
            try (Backend broken = new Backend((_, conversation) -> {
                conversation.send(bad);
                return null;
            })) {
                serveAsking(asking(5000, false), broken.port());
                assertThat(status("/")).as(bad.substring(0, 8)).isEqualTo(503);
            }
        }
        assertThat(backend.seen).hasSize(1);
    }

    @Test
    void whoeverIsRefusedIsSoHoweverTheAnswerEnds() throws Exception {
        for (String head : List.of("HTTP/1.1 403 No\r\nContent-Length: 100000\r\n", "HTTP/1.1 302 To\r\n")) {
            String refusal = head + "X-Inner: y\r\nLocation: /login\r\n\r\n";
            for (String body : List.of("x".repeat(100_000), "xyz")) {
                try (Backend broken = new Backend((_, conversation) -> {
                    conversation.send(refusal + body);
                    conversation.socket().setSoLinger(true, 0);
                    return body.length() > 3 ? "" : null;
                })) {
                    serveAsking(asking(5000, true), broken.port());
                    assertThat(get("/"))
                            .startsWith(refusal.substring(0, 12).toLowerCase(Locale.ROOT))
                            .contains("location: /login", "content-length: 0")
                            .doesNotContain("x-inner");
                }
            }
        }
        try (Backend stalling = new Backend((_, conversation) -> {
            conversation.send("HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\nabc");
            return conversation.in().read() < 0 ? null : "";
        })) {
            serveAsking(asking(200, true), stalling.port());
            assertThat(status("/")).isEqualTo(403);
        }
        assertThat(backend.seen).isEmpty();
    }

    private static Method.External seeing(String... headers) {
        Method.External asked = asking(5000, false);
        return new Method.External(
                asked.name(),
                asked.upstream(),
                asked.path(),
                List.of(headers),
                asked.backendHeaders(),
                asked.clientHeaders(),
                asked.subjectHeader(),
                asked.timeoutMillis(),
                false);
    }

    @Test
    void theServiceIsToldTheHostByWhichIsRouted() throws Exception {
        try (Backend sso = Backend.saying("ok")) {
            for (Method.External each : List.of(seeing("Host"), seeing("*"), seeing())) {
                serveAsking(each, sso.port());
                assertThat(proxy.exchange("GET http://Admin.example:81/x HTTP/1.1\r\nHost: public.example\r\n"
                                + "Connection: close\r\n\r\n"))
                        .startsWith("HTTP/1.1 200");
                assertThat(sso.seen.getLast().headers())
                        .contains("host: admin.example:81", "x-forwarded-host: admin.example:81")
                        .noneMatch(header -> header.contains("public"));
            }
        }
    }

    @Test
    void framingOfTheRequestIsNotThatOfTheQuestion() throws Exception {
        try (Backend sso = Backend.saying("ok")) {
            serveAsking(
                    seeing("Content-Length", "Transfer-Encoding", "Expect", "Connection", "Upgrade", "X-A", "X-B"),
                    sso.port());
            for (String framing : List.of(
                    "Content-Length: 3\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")) {
                assertThat(proxy.exchange("POST / HTTP/1.1\r\nHost: a\r\nConnection: close, X-B\r\nX-A: 1\r\nX-B: 1\r\n"
                                + "Upgrade: h2c\r\n" + framing))
                        .startsWith("HTTP/1.1 200");
                assertThat(sso.seen.getLast().headers())
                        .contains("X-A: 1")
                        .noneMatch(each -> each.toLowerCase(Locale.ROOT)
                                .matches("(content-length|transfer-encoding|connection|upgrade|x-b):.*"));
            }
        }
    }

    @Test
    void clientsThatGoWhileAnotherServiceIsAskedLeaveNothingBehind() throws Exception {
        try (Backend mute = new Backend((_, conversation) -> {
            int end = conversation.in().read();
            return end < 0 ? null : "";
        })) {
            serveAsking(asking(200, false), mute.port());
            for (int i = 0; i < 20; i++) {
                ProxyFixture.Client client = proxy.client();
                client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
                client.reset();
            }
            proxy.awaitNothingOpen();
            ProxyFixture.await(() -> proxy.plane.open().toEndpoints() == 0);
        }
    }

    @Test
    void streamsOfHttp2AreAskedEachForItself() throws Exception {
        serve(policy("p", GATEWAY, BY_KEY, BY_PASSWORD));
        try (Http2Peer peer = new Http2Peer(proxy.port)) {
            Http2Peer.Answer refused = peer.get("/");
            assertThat(refused.status()).isEqualTo(401);
            assertThat(refused.head().getAll("www-authenticate"))
                    .extracting(CharSequence::toString)
                    .containsExactly("ApiKey realm=\"shop\"", "Basic realm=\"shop\", charset=\"UTF-8\"");
            // Browsers send each cookie by itself (RFC 9113, 8.2.3).
            Http2Peer.Stream byCookie = peer.open()
                    .send(
                            Http2Peer.head("GET", "/", "cookie", "a=b", "cookie", "key=" + KEY, "x-client", "zeta"),
                            true);
            Http2Peer.Stream byPassword = peer.open()
                    .send(
                            Http2Peer.head("GET", "/", "authorization", BASIC.substring("Authorization: ".length())),
                            true);
            assertThat(byCookie.answer().status()).isEqualTo(200);
            assertThat(byPassword.answer().status()).isEqualTo(200);
            assertThat(peer.get("/").status()).isEqualTo(401);
        }
        assertThat(backend.seen)
                .extracting(each ->
                        each.header("x-client").orElse(each.header("x-user").orElse("")))
                .containsExactlyInAnyOrder("acme", "alice");
        assertThat(backend.seen)
                .extracting(each -> each.header("cookie").orElse(""))
                .containsExactlyInAnyOrder("a=b", "");
    }

    @Test
    void aRuleMayHaveAPolicyOfItsOwn() throws Exception {
        RuleConfig named = new RuleConfig(
                "private",
                List.of(new MatchConfig(
                        new MatchConfig.PathMatch(MatchConfig.PathMatch.Type.PREFIX, "/private"),
                        "",
                        List.of(),
                        List.of())),
                List.of(),
                List.of(new BackendConfig("u", 1, List.of())),
                0,
                0,
                null,
                null);
        proxy.serveRoutes(
                List.of(),
                List.of(policy("p", List.of(new TrafficTarget("HTTPRoute", "default/route", "private")), BY_KEY)),
                List.of(route(rule("u"), named)),
                upstream("u", backend.port()));
        assertThat(status("/")).isEqualTo(200);
        assertThat(status("/private/a")).isEqualTo(401);
        assertThat(status("/x/../private/a")).isEqualTo(401);
        assertThat(status("/%70rivate/a")).isEqualTo(401);
    }

    @Test
    void aServiceThatIsAskedByHttpSeesBodies() throws Exception {
        try (Backend sso = new Backend((_, _) -> Backend.ok(""))) {
            Method.External asked = asking(5000, false);
            serveAsking(
                    new Method.External(
                            asked.name(),
                            asked.upstream(),
                            asked.path(),
                            asked.requestHeaders(),
                            asked.backendHeaders(),
                            asked.clientHeaders(),
                            null,
                            asked.timeoutMillis(),
                            false,
                            false,
                            new SecurityConfig.SeenBody(4, true)),
                    sso.port());
            assertThat(proxy.exchange("PUT /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 6\r\n"
                            + "Content-Type: text/plain\r\n\r\nabcdef"))
                    .startsWith("HTTP/1.1 200");
            Backend.Seen seen = sso.seen.getLast();
            assertThat(seen.line()).startsWith("POST /verify?a=b ");
            assertThat(seen.body()).isEqualTo("abcd");
            assertThat(seen.header("x-forwarded-method")).hasValue("PUT");
            assertThat(seen.header("content-type")).hasValue("text/plain");
            assertThat(seen.header("x-envoy-auth-partial-body")).hasValue("true");
            assertThat(last().line()).startsWith("PUT /x ");
            assertThat(last().body()).isEqualTo("abcdef");
            assertThat(status("/")).isEqualTo(200);
            assertThat(sso.seen.getLast().line()).startsWith("GET /verify?a=b ");
        }
    }
}
