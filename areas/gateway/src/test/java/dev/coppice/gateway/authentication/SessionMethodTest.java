package dev.coppice.gateway.authentication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.SecurityConfig.ClaimHeader;
import dev.coppice.gateway.config.SecurityConfig.Method;
import dev.coppice.gateway.config.SecurityConfig.Secret;
import dev.coppice.gateway.config.SecurityConfig.SessionCookies;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SimulatedClock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The authorisation code flow, between a browser and an issuer that are strict, and sessions after it. */
class SessionMethodTest {
    private static final Secret KEY = new Secret("0123456789abcdef0123456789abcdef");
    private static final String HTML = "text/html,*/*;q=0.8";

    private final SimulatedClock clock = new SimulatedClock();
    private final Kernel kernel = Kernel.start(clock);
    private final TestIssuer issuer = new TestIssuer(() -> clock.now().getEpochSecond());
    private final TestBrowser browser = new TestBrowser();
    private final Queue<Runnable> work = new ArrayDeque<>();
    private final List<String> told = new ArrayList<>();
    private final EndedSessions ended = new EndedSessions(clock, null, EndedSessionsTest.NOBODY);
    private List<String> userInfoClaims = List.of();
    private SessionMethod method = method(config(KEY));

    @AfterEach
    void stop() {
        kernel.close();
    }

    private Method.Oidc config(Secret... keys) {
        return new Method.Oidc(
                "people",
                issuer.issuer,
                null,
                null,
                false,
                TestIssuer.CLIENT,
                new Secret(TestIssuer.SECRET),
                false,
                List.of("openid", "email"),
                "/oauth2/callback",
                "/oauth2/logout",
                "/bye",
                "/oauth2/ended",
                new SessionCookies("s", "Lax", false, List.of(keys)),
                Duration.ofHours(8).toMillis(),
                List.of("ES256", "RS256"),
                0,
                List.of(new ClaimHeader(List.of("sub"), "x-user")),
                userInfoClaims,
                true);
    }

    /** As another node has it: nothing in memory is shared. */
    private SessionMethod method(Method.Oidc config) {
        ProofCache cache = new ProofCache(clock, kernel.secureRandom(), 256);
        Executor now = Runnable::run;
        Issuer known = new Issuer(config, issuer, kernel, cache, () -> 1, now, _ -> {});
        return new SessionMethod(config, known, ended, kernel, new Proofs(clock, cache, 2, work::add), told::add);
    }

    private Asked page(String target) {
        Asked asked = Asked.header("accept", HTML).of("GET", target);
        browser.cookies.forEach(asked::cookie);
        int mark = target.indexOf('?');
        if (mark >= 0) {
            TestIssuer.parameters(target.substring(mark + 1)).forEach(asked::parameter);
        }
        return asked;
    }

    private Outcome ask(Asked asked) {
        List<Outcome> said = new ArrayList<>();
        method.authenticate(asked, said::add);
        while (!work.isEmpty()) {
            work.remove().run();
        }
        assertThat(said).hasSize(1);
        if (said.getFirst() instanceof Outcome.Replied reply) {
            take(reply.headers());
        } else if (said.getFirst() instanceof Outcome.Known known) {
            take(known.toClient().stream()
                    .map(each -> new Outcome.Header(each.name(), each.value()))
                    .toList());
        }
        return said.getFirst();
    }

    private void take(List<Outcome.Header> headers) {
        browser.take(headers.stream()
                .filter(each -> each.name().equals("Set-Cookie"))
                .map(Outcome.Header::value)
                .toList());
    }

    private static String header(Outcome.Replied reply, String name) {
        return reply.headers().stream()
                .filter(each -> each.name().equals(name))
                .map(Outcome.Header::value)
                .findFirst()
                .orElse("");
    }

    /** A page is asked for, and the browser is sent to the issuer: where to. */
    private String sent(String target) {
        assertThat(ask(page(target))).isNotInstanceOf(Outcome.Known.class);
        Outcome.Replied login = method.login(page(target));
        assertThat(login).isNotNull();
        assertThat(login.status()).isEqualTo(302);
        assertThat(header(login, "Cache-Control")).isEqualTo("no-store");
        take(login.headers());
        return header(login, "Location");
    }

    private Outcome.Replied back(String query) {
        return (Outcome.Replied) ask(page("/oauth2/callback?" + query));
    }

    private Outcome.Replied login(String target) {
        return back(issuer.login(sent(target)));
    }

    private Outcome.Known known() {
        Outcome outcome = ask(page("/"));
        assertThat(outcome).isInstanceOf(Outcome.Known.class);
        return (Outcome.Known) outcome;
    }

    @Test
    void whoLogsInGetsWhereTheyWantedTo() {
        String location = sent("/a?b=c");
        Map<String, String> asked = TestIssuer.parameters(location.substring(location.indexOf('?') + 1));
        assertThat(asked)
                .containsEntry("redirect_uri", "https://shop.example/oauth2/callback")
                .containsEntry("scope", "openid email")
                .containsOnlyKeys(
                        "response_type",
                        "client_id",
                        "redirect_uri",
                        "scope",
                        "state",
                        "nonce",
                        "code_challenge",
                        "code_challenge_method");
        Outcome.Replied back = back(issuer.login(location));
        assertThat(back.status()).isEqualTo(302);
        assertThat(header(back, "Location")).isEqualTo("/a?b=c");
        assertThat(browser.cookies).containsOnlyKeys("__Host-s");
        Outcome.Known known = known();
        assertThat(known.identity().method()).isEqualTo("OIDC");
        assertThat(known.identity().subject()).isEqualTo("alice");
        assertThat(known.identity().claims().path("groups").path(0).asText()).isEqualTo("staff");
        assertThat(known.headers())
                .containsExactly(
                        new Outcome.Header("x-user", "alice"), new Outcome.Header("authorization", "Bearer access-1"));
        assertThat(told).containsExactly("begun", "completed");
    }

    @Test
    void cookiesAreNotForScriptsAndOtherSites() {
        Asked first = page("/");
        ask(first);
        Outcome.Replied login = method.login(first);
        assertThat(login).isNotNull();
        assertThat(header(login, "Set-Cookie"))
                .startsWith("__Host-s-login-0=")
                .endsWith("; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=600");
        assertThat(login.toString()).doesNotContain("verifier");
        take(login.headers());
        Outcome.Replied back = back(issuer.login(header(login, "Location")));
        assertThat(header(back, "Set-Cookie"))
                .startsWith("__Host-s=1.")
                .endsWith("; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=28800")
                .doesNotContain("alice", "access-1");
    }

    @Test
    void programsAreNotSentAnywhere() {
        ask(page("/"));
        for (Asked each : List.of(
                Asked.nothing(),
                Asked.header("accept", "*/*"),
                Asked.header("accept", "application/json"),
                Asked.header("accept", HTML).of("POST", "/"),
                Asked.header("accept", HTML).with("x-requested-with", "XMLHttpRequest"),
                Asked.header("accept", HTML).with("sec-fetch-mode", "cors"),
                Asked.header("accept", HTML).with("upgrade", "websocket"))) {
            assertThat(ask(each)).isEqualTo(Outcome.Absent.ABSENT);
            assertThat(method.login(each)).isNull();
        }
        assertThat(method.challenge("shop", null)).isEqualTo("OpenIDConnect realm=\"shop\"");
        assertThat(method.login(Asked.header("accept", HTML).with("sec-fetch-mode", "navigate")))
                .isNotNull();
    }

    @Test
    void anotherBrowserCannotCompleteALogin() {
        String back = issuer.login(sent("/"));
        Map<String, String> mine = Map.copyOf(browser.cookies);
        browser.cookies.clear();
        assertThat(back(back).status()).isEqualTo(400);
        // Nor with a login of its own.
        String other = sent("/");
        assertThat(back(back).status()).isEqualTo(400);
        browser.cookies.clear();
        browser.cookies.putAll(mine);
        assertThat(back(issuer.login(other)).status()).isEqualTo(400);
        assertThat(browser.cookies).doesNotContainKey("__Host-s");
        assertThat(issuer.calls).doesNotContain("/token");
        assertThat(back(back).status()).isEqualTo(302);
    }

    @Test
    void whatComesBackHasToBeInOrder() {
        String back = issuer.login(sent("/"));
        for (String each : List.of(
                back.replaceAll("&state=.*", ""),
                back.replaceAll("&state=.*", "&state="),
                back.replaceAll("&state=.*", "&state=9x"),
                back + "x")) {
            assertThat(back(each).status()).as(each).isEqualTo(400);
        }
        assertThat(ask(page("/oauth2/callback?" + back).of("POST", "/oauth2/callback")))
                .isInstanceOfSatisfying(
                        Outcome.Replied.class,
                        reply -> assertThat(reply.status()).isEqualTo(400));
        assertThat(issuer.calls).doesNotContain("/token");
        assertThat(back(back).status()).isEqualTo(302);
        // Once is enough.
        assertThat(back(back).status()).isEqualTo(400);
    }

    @Test
    void aLoginHasTenMinutes() {
        String back = issuer.login(sent("/"));
        clock.advance(Duration.ofMinutes(10));
        assertThat(back(back).status()).isEqualTo(400);
    }

    @Test
    void anotherIssuersAnswerIsRefused() {
        String back = issuer.login(sent("/"));
        assertThat(back(back + "&iss=https%3A%2F%2Fevil.example").status()).isEqualTo(400);
        assertThat(issuer.calls).doesNotContain("/token");
        back = issuer.login(sent("/"));
        assertThat(back(back + "&iss=https%3A%2F%2Fid.example%2Frealm").status())
                .isEqualTo(302);
    }

    @Test
    void whomTheIssuerDoesNotLetInIsToldSo() {
        String state = issuer.login(sent("/")).replaceAll("code=[^&]*&", "");
        Outcome.Replied reply = back("error=access_denied&" + state);
        assertThat(reply.status()).isEqualTo(403);
        assertThat(browser.cookies).isEmpty();
    }

    @Test
    void codesAndTokensHaveToBeGood() {
        String back = issuer.login(sent("/"));
        assertThat(back(back.replace("code-", "kode-")).status()).isEqualTo(403);
        issuer.nonce = "another";
        assertThat(login("/").status()).isEqualTo(403);
        issuer.nonce = null;
        issuer.claims = ",\"azp\":\"other\"";
        assertThat(login("/").status()).isEqualTo(403);
        issuer.claims = ",\"at_hash\":\"AAAA\"";
        assertThat(login("/").status()).isEqualTo(403);
        issuer.claims = "";
        issuer.algorithm = "EdDSA";
        assertThat(login("/").status()).isEqualTo(403);
        issuer.algorithm = "none";
        assertThat(login("/").status()).isEqualTo(403);
        issuer.algorithm = "ES256";
        issuer.subject = "";
        assertThat(login("/").status()).isEqualTo(403);
        assertThat(browser.cookies).isEmpty();
        issuer.subject = "alice";
        issuer.hashing = true;
        assertThat(login("/").status()).isEqualTo(302);
    }

    @Test
    void browsersAreSentToPathsOfThisHostOnly() {
        for (String each : List.of("//evil.example/", "/\\evil.example", "https://evil.example", "/a b", "/é", "")) {
            assertThat(LoginAttempt.safe(each)).as(each).isEqualTo("/");
        }
        assertThat(LoginAttempt.safe("/" + "x".repeat(1024))).isEqualTo("/");
        assertThat(LoginAttempt.safe("/a//b?c=//d")).isEqualTo("/a//b?c=//d");
        assertThat(header(login("//evil.example/x"), "Location")).isEqualTo("/");
    }

    @Test
    void sessionsAreMadeFreshAgain() {
        login("/");
        String first = browser.header();
        clock.advance(Duration.ofSeconds(299));
        assertThat(known().toClient()).isEmpty();
        clock.advance(Duration.ofSeconds(1));
        Outcome.Known known = known();
        assertThat(known.toClient()).hasSize(1);
        assertThat(known.headers()).contains(new Outcome.Header("authorization", "Bearer access-2"));
        assertThat(known.identity().claims().path("groups").path(0).asText()).isEqualTo("staff");
        assertThat(browser.header()).isNotEqualTo(first);
        assertThat(known().toClient()).isEmpty();
        issuer.idWithRefresh = true;
        issuer.claims = ",\"groups\":[\"none\"]";
        clock.advance(Duration.ofMinutes(5));
        assertThat(known().identity().claims().path("groups").path(0).asText()).isEqualTo("none");
        assertThat(told).containsExactly("begun", "completed", "refreshed", "refreshed");
    }

    @Test
    void requestsOfOneBrowserRefreshOnce() {
        login("/");
        clock.advance(Duration.ofMinutes(5));
        Asked old = page("/");
        List<Outcome> said = new ArrayList<>();
        method.authenticate(old, said::add);
        method.authenticate(old, said::add);
        assertThat(work).hasSize(1);
        work.remove().run();
        assertThat(said).hasSize(2).allMatch(each -> each instanceof Outcome.Known);
        // One that was on its way.
        method.authenticate(old, said::add);
        assertThat(said).hasSize(3).allMatch(each -> each instanceof Outcome.Known);
        assertThat(issuer.calls.stream().filter("/token"::equals)).hasSize(2);
    }

    @Test
    void sessionsEnd() {
        issuer.refreshing = false;
        login("/");
        clock.advance(Duration.ofSeconds(300));
        assertThat(ask(page("/"))).isEqualTo(new Outcome.Refused("the session has ended"));
        issuer.refreshing = true;
        login("/");
        for (int i = 0; i < 95; i++) {
            clock.advance(Duration.ofMinutes(5));
            known();
        }
        clock.advance(Duration.ofMinutes(5));
        assertThat(ask(page("/"))).isEqualTo(new Outcome.Refused("the session has ended"));
    }

    @Test
    void aRefreshThatIsRefusedEndsTheSessionAndOneThatFailsDoesNot() {
        login("/");
        clock.advance(Duration.ofMinutes(5));
        issuer.away = true;
        assertThat(ask(page("/"))).isInstanceOf(Outcome.Unavailable.class);
        issuer.away = false;
        known();
        issuer.idWithRefresh = true;
        issuer.subject = "mallory";
        clock.advance(Duration.ofMinutes(5));
        assertThat(ask(page("/"))).isInstanceOf(Outcome.Refused.class);
        assertThat(ask(page("/"))).isInstanceOf(Outcome.Refused.class);
    }

    @Test
    void otherNodesAndLaterOnesKnowTheSession() {
        login("/");
        method = method(config(KEY));
        known();
        // A new key: old sessions are good until they are sealed anew.
        Secret next = new Secret("fedcba9876543210fedcba9876543210");
        method = method(config(next, KEY));
        known();
        method = method(config(next));
        assertThat(ask(page("/"))).isEqualTo(new Outcome.Refused("the session is not valid"));
    }

    @Test
    void aLoginMayComeBackToAnotherNode() {
        String back = issuer.login(sent("/a"));
        method = method(config(KEY));
        ask(page("/"));
        assertThat(header(back(back), "Location")).isEqualTo("/a");
    }

    @Test
    void nobodyMakesSessions() {
        login("/");
        String good = browser.cookies.get("__Host-s");
        for (String bad : List.of(
                "",
                "1.",
                "0." + good.substring(2),
                "9." + good.substring(2),
                good + "A",
                "x",
                good.substring(0, 40) + (good.charAt(40) == 'A' ? 'B' : 'A') + good.substring(41))) {
            browser.cookies.put("__Host-s", bad);
            assertThat(ask(page("/"))).as(bad).isNotInstanceOf(Outcome.Known.class);
        }
        // What is sealed for a login is no session.
        browser.cookies.clear();
        sent("/");
        browser.cookies.put("__Host-s", "1." + browser.cookies.get("__Host-s-login-0"));
        assertThat(ask(page("/"))).isEqualTo(new Outcome.Refused("the session is not valid"));
        // Two are none: one of them may be somebody else's.
        Asked twice = page("/").cookie("__Host-s", good);
        assertThat(ask(twice)).isEqualTo(Outcome.Absent.ABSENT);
    }

    @Test
    void largeSessionsAreCutIntoPieces() {
        issuer.claims = ",\"groups\":[\"" + "g".repeat(6000) + "\"]";
        assertThat(login("/").status()).isEqualTo(302);
        assertThat(browser.cookies).hasSizeGreaterThan(2);
        known();
        // All of them are needed.
        String second = browser.cookies.remove("__Host-s-1");
        assertThat(ask(page("/"))).isEqualTo(Outcome.Absent.ABSENT);
        browser.cookies.put("__Host-s-1", String.valueOf(second));
        known();
        ask(page("/oauth2/logout"));
        assertThat(browser.cookies).isEmpty();
        issuer.claims = ",\"groups\":[\"" + "g".repeat(9000) + "\"]";
        assertThat(login("/").status()).isEqualTo(403);
        assertThat(told).contains("refused");
    }

    @Test
    void fewLoginsWaitAtATime() {
        String first = "";
        for (int i = 0; i < 10; i++) {
            String location = sent("/" + i);
            first = i == 0 ? location : first;
        }
        assertThat(browser.cookies).hasSize(CookieJar.LOGINS);
        String last = sent("/last");
        assertThat(header(back(issuer.login(last)), "Location")).isEqualTo("/last");
    }

    @Test
    void whoLogsOutIsLoggedOutAtTheIssuerToo() {
        login("/");
        Outcome.Replied reply = (Outcome.Replied) ask(page("/oauth2/logout"));
        assertThat(reply.status()).isEqualTo(302);
        String to = header(reply, "Location");
        assertThat(to).startsWith(issuer.issuer + "/logout?");
        assertThat(TestIssuer.parameters(to.substring(to.indexOf('?') + 1)))
                .containsEntry("client_id", "shop")
                .containsEntry("post_logout_redirect_uri", "https://shop.example/bye")
                .containsKey("id_token_hint");
        assertThat(browser.cookies).isEmpty();
        assertThat(header((Outcome.Replied) ask(page("/oauth2/logout")), "Location"))
                .isEqualTo("/bye");
    }

    private Outcome.Replied logoutByIssuer(String token) {
        return (Outcome.Replied) ask(Asked.header("content-type", "application/x-www-form-urlencoded")
                .of("POST", "/oauth2/ended")
                .body("logout_token=" + token));
    }

    @Test
    void theIssuerEndsASession() {
        issuer.claims = ",\"sid\":\"s1\"";
        login("/");
        Map<String, String> first = Map.copyOf(browser.cookies);
        known();
        browser.cookies.clear();
        issuer.claims = ",\"sid\":\"s2\"";
        login("/");
        known();
        Outcome.Replied reply = logoutByIssuer(issuer.logoutToken(",\"sub\":\"alice\",\"sid\":\"s1\""));
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        assertThat(header(reply, "Cache-Control")).isEqualTo("no-store");
        known();
        browser.cookies.clear();
        browser.cookies.putAll(first);
        // Also where it was known to be good a moment ago, on any policy of the client, and when it would be made
        // fresh.
        assertThat(ask(page("/"))).isEqualTo(new Outcome.Refused("the session has ended"));
        method = method(config(KEY));
        assertThat(ask(page("/"))).isEqualTo(new Outcome.Refused("the session has ended"));
        clock.advance(Duration.ofMinutes(5));
        assertThat(ask(page("/"))).isEqualTo(new Outcome.Refused("the session has ended"));
        assertThat(told).containsExactly("begun", "completed", "begun", "completed", "revoked");
    }

    @Test
    void theIssuerEndsAllSessionsOfSomebody() {
        login("/");
        clock.advance(Duration.ofMinutes(5));
        // Made fresh: it began when they logged in.
        known();
        assertThat(logoutByIssuer(issuer.logoutToken(",\"sub\":\"bob\"")).status())
                .isEqualTo(200);
        known();
        String token = issuer.logoutToken(",\"sub\":\"alice\"");
        assertThat(logoutByIssuer(token).status()).isEqualTo(200);
        assertThat(ask(page("/"))).isEqualTo(new Outcome.Refused("the session has ended"));
        clock.advance(Duration.ofSeconds(1));
        browser.cookies.clear();
        login("/");
        known();
        // Whoever has seen the token cannot end it again.
        Outcome.Replied again = logoutByIssuer(token);
        assertThat(again.status()).isEqualTo(400);
        assertThat(again.text()).contains("shown before");
        known();
    }

    @Test
    void logoutTokensHaveToBeGood() {
        login("/");
        String event = "\"events\":{\"http://schemas.openid.net/event/backchannel-logout\":{}}";
        long now = clock.now().getEpochSecond();
        String head = "{\"alg\":\"ES256\",\"kid\":\"ec\"}";
        String all = "\"iss\":\"" + issuer.issuer + "\",\"aud\":\"shop\",\"sub\":\"alice\",\"jti\":\"j\",\"iat\":" + now
                + ",\"exp\":" + (now + 60) + "," + event;
        Map<String, String> bad = new LinkedHashMap<>();
        bad.put("another issuer", issuer.logoutToken(head, all.replace("/realm", "/other")));
        bad.put("another audience", issuer.logoutToken(head, all.replace("\"shop\"", "\"else\"")));
        bad.put("has expired", issuer.logoutToken(head, all.replace("" + (now + 60), "" + now)));
        bad.put("when it ends", issuer.logoutToken(head, all.replace(",\"exp\":" + (now + 60), "")));
        bad.put("ten minutes (iat)", issuer.logoutToken(head, all.replace("\"iat\":" + now, "\"iat\":" + (now - 601))));
        bad.put(" minutes (iat)", issuer.logoutToken(head, all.replace("\"iat\":" + now, "\"iat\":" + (now + 5))));
        bad.put("minutes (iat)", issuer.logoutToken(head, all.replace("\"iat\":" + now + ",", "")));
        bad.put("(events)", issuer.logoutToken(head, all.replace("," + event, "")));
        bad.put("logout (events)", issuer.logoutToken(head, all.replace(":{}}", ":true}")));
        bad.put("nonce", issuer.logoutToken(head, all + ",\"nonce\":\"n\""));
        bad.put("neither sid nor sub", issuer.logoutToken(head, all.replace("\"sub\":\"alice\",", "")));
        bad.put("sid that is no text", issuer.logoutToken(head, all + ",\"sid\":7"));
        bad.put("lacks jti", issuer.logoutToken(head, all.replace("\"jti\":\"j\",", "")));
        bad.put("(typ)", issuer.logoutToken(head.replace("}", ",\"typ\":\"at+jwt\"}"), all));
        bad.put("not accepted", issuer.logoutToken(head.replace("ES256", "none"), all));
        bad.put("no such key", issuer.logoutToken(head.replace("\"ec\"", "\"no\""), all));
        String good = issuer.logoutToken(head, all);
        bad.put("signature", good.substring(0, good.length() - 4) + (good.endsWith("AAAA") ? "BBBB" : "AAAA"));
        bad.put("malformed", "x");
        bad.put("expected one logout_token", good + "&logout_token=" + good);
        bad.forEach((why, token) -> {
            Outcome.Replied reply = logoutByIssuer(token);
            assertThat(reply.status()).as(why).isEqualTo(400);
            assertThat(reply.text()).as(why).contains(why.strip());
        });
        for (Asked each : List.of(
                Asked.nothing().of("GET", "/oauth2/ended"),
                Asked.header("content-type", "application/json")
                        .of("POST", "/oauth2/ended")
                        .body("logout_token=" + good),
                Asked.header("content-type", "application/x-www-form-urlencoded")
                        .of("POST", "/oauth2/ended")
                        .body("logout_token=" + "x".repeat(30_000)))) {
            assertThat(ask(each))
                    .isInstanceOfSatisfying(
                            Outcome.Replied.class,
                            reply -> assertThat(reply.status()).isEqualTo(400));
        }
        known();
        issuer.away = true;
        method = method(config(KEY));
        assertThat(ask(Asked.header("content-type", "application/x-www-form-urlencoded")
                        .of("POST", "/oauth2/ended")
                        .body("logout_token=" + good)))
                .isInstanceOf(Outcome.Unavailable.class);
        issuer.away = false;
        clock.advance(Duration.ofSeconds(11));
        assertThat(logoutByIssuer(good + "&other=field").status()).isEqualTo(200);
        assertThat(ask(page("/"))).isInstanceOf(Outcome.Refused.class);
    }

    @Test
    void theUserInfoEndpointSaysMore() {
        userInfoClaims = List.of("team", "groups", "missing");
        method = method(config(KEY));
        issuer.claims = ",\"groups\":[\"staff\"]";
        login("/");
        Outcome.Known known = known();
        assertThat(known.identity().claims().path("team").asText()).isEqualTo("red");
        // The ID token is signed, and counts first; what nobody asked for takes no room.
        assertThat(known.identity().claims().path("groups").toString()).isEqualTo("[\"staff\"]");
        assertThat(known.identity().claims().has("phone")).isFalse();
        clock.advance(Duration.ofMinutes(5));
        assertThat(known().identity().claims().path("team").asText()).isEqualTo("red");
        assertThat(issuer.calls.stream().filter("/userinfo"::equals)).hasSize(1);
        browser.cookies.clear();
        for (String bad : List.of("{\"sub\":\"mallory\",\"team\":\"red\"}", "{\"team\":\"red\"}", "[]")) {
            issuer.userInfo = bad;
            assertThat(login("/").status()).as(bad).isEqualTo(403);
        }
        issuer.userInfo = "no JSON";
        assertThat(ask(page("/oauth2/callback?" + issuer.login(sent("/"))))).isInstanceOf(Outcome.Unavailable.class);
        assertThat(browser.cookies).doesNotContainKey("__Host-s");
    }

    @Test
    void whileTheIssuerIsAwayNobodyLogsInAndSessionsGoOn() {
        login("/");
        issuer.away = true;
        method = method(config(KEY));
        known();
        browser.cookies.clear();
        assertThat(ask(page("/"))).isEqualTo(new Outcome.Unavailable("the issuer is not known", true));
        assertThat(method.login(page("/"))).isNull();
        assertThat(ask(Asked.nothing())).isEqualTo(Outcome.Absent.ABSENT);
        assertThat(header((Outcome.Replied) ask(page("/oauth2/logout")), "Location"))
                .isEqualTo("/bye");
    }

    @Test
    void metadataHasToBeTheIssuersOwn() throws Exception {
        String good = issuer.metadata();
        assertThat(IssuerMetadata.read(issuer.issuer, good).token()).isEqualTo(issuer.issuer + "/token");
        for (String bad : List.of(
                good.replace("\"issuer\":\"https://id.example/realm\"", "\"issuer\":\"https://evil.example\""),
                good.replace("\"https://id.example/realm/token\"", "\"http://id.example/realm/token\""),
                good.replace("\"https://id.example/realm/keys\"", "7"),
                good.replace("\"https://id.example/realm/logout\"", "\"javascript:alert(1)\""),
                good.substring(1),
                "{}")) {
            assertThat(failure(bad)).as(bad).isNotNull();
        }
    }

    private @Nullable String failure(String metadata) {
        try {
            IssuerMetadata.read(issuer.issuer, metadata);
            return null;
        } catch (java.io.IOException e) {
            return e.getMessage();
        }
    }

    @Test
    void nothingSecretIsTold() {
        login("/");
        assertThat(config(KEY).toString()).doesNotContain(TestIssuer.SECRET, KEY.value());
        assertThat(new Session("a.b.c", "d", "e", null, null, 0, 1, 2).toString())
                .isEqualTo("Session[not shown]");
    }
}
