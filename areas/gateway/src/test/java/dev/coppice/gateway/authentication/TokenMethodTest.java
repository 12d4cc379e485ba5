package dev.coppice.gateway.authentication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.SecurityConfig.ClaimHeader;
import dev.coppice.gateway.config.SecurityConfig.KeySet;
import dev.coppice.gateway.config.SecurityConfig.Method;
import dev.coppice.gateway.config.SecurityConfig.Source;
import dev.coppice.kernel.SimulatedClock;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Tokens that are good, and a collection of those that are not (RFC 8725). */
class TokenMethodTest {
    private static final TestKeys KEYS = new TestKeys();
    private static final TestKeys OTHERS = new TestKeys();
    private static final String BEARER = "authorization";
    private static final List<Source> HEADER = List.of(new Source(Source.Type.HEADER, BEARER, "Bearer "));
    private static final List<String> ALGORITHMS = List.of("RS256", "PS256", "ES256", "EdDSA");

    private final SimulatedClock clock = new SimulatedClock();
    private final long now = clock.now().getEpochSecond();
    private final ProofCache cache = new ProofCache(clock, new SecureRandom(), 256);
    private final AtomicLong scopes = new AtomicLong();
    private final Changing source = new Changing();
    private final TokenMethod method = method(ALGORITHMS, HEADER);

    /** Keys that a test changes. */
    private static final class Changing implements KeySource {
        @Nullable
        VerificationKeys keys = keys(KEYS.set());

        final List<Runnable> waiting = new ArrayList<>();
        boolean renews;

        @Override
        public @Nullable VerificationKeys current() {
            return keys;
        }

        @Override
        public boolean renew(Runnable done) {
            if (renews) {
                waiting.add(done);
            }
            return renews;
        }
    }

    private static VerificationKeys keys(String set) {
        try {
            return VerificationKeys.readStrictly(set);
        } catch (VerificationKeys.InvalidKeySetException e) {
            throw new AssertionError(e);
        }
    }

    private TokenMethod method(List<String> algorithms, List<Source> from) {
        return new TokenMethod(
                new Method.Jwt(
                        "issuer",
                        "https://issuer.example",
                        List.of("shop", "pay"),
                        new KeySet.Known(""),
                        algorithms,
                        30_000,
                        from,
                        List.of(
                                new ClaimHeader(List.of("sub"), "x-user"),
                                new ClaimHeader(List.of("realm", "roles"), "x-roles"),
                                new ClaimHeader(List.of("age"), "x-age")),
                        false),
                source,
                clock,
                cache,
                scopes::incrementAndGet);
    }

    private String claims(String more) {
        return "{\"iss\":\"https://issuer.example\",\"aud\":\"shop\",\"sub\":\"alice\",\"exp\":" + (now + 600) + more
                + "}";
    }

    private String refusal(String token) throws InterruptedException {
        return Asked.header(BEARER, "Bearer " + token).refusal(method);
    }

    private String refusalOfClaims(String claims) throws InterruptedException {
        return refusal(KEYS.token("ES256", claims));
    }

    private String refusalOfHeader(String header) throws InterruptedException {
        return refusal(KEYS.token(header, claims(""), "RS256"));
    }

    @Test
    void goodTokensTellWhoTheirHolderIs() throws Exception {
        for (String algorithm : ALGORITHMS) {
            String token = KEYS.token(
                    algorithm, claims(",\"realm\":{\"roles\":[\"admin\",\"b c\",7]},\"age\":42,\"nbf\":" + now));
            for (int i = 0; i < 2; i++) {
                Outcome outcome = Asked.header(BEARER, "bearer  " + token).of(method);
                assertThat(outcome).as(algorithm).isInstanceOf(Outcome.Known.class);
                Outcome.Known known = (Outcome.Known) outcome;
                assertThat(known.identity().method()).isEqualTo("JWT");
                assertThat(known.identity().subject()).isEqualTo("alice");
                assertThat(known.identity().claims().path("age").asInt()).isEqualTo(42);
                assertThat(known.headers())
                        .containsExactly(
                                new Outcome.Header("x-user", "alice"),
                                new Outcome.Header("x-roles", "admin,b c,7"),
                                new Outcome.Header("x-age", "42"));
            }
        }
    }

    @Test
    void tokensComeFromWhereItSays() throws Exception {
        String token = KEYS.token("ES256", claims(""));
        TokenMethod elsewhere = method(
                ALGORITHMS,
                List.of(
                        new Source(Source.Type.HEADER, "x-token", ""),
                        new Source(Source.Type.COOKIE, "session", ""),
                        new Source(Source.Type.QUERY, "token", "")));
        assertThat(Asked.nothing().of(elsewhere)).isEqualTo(Outcome.Absent.ABSENT);
        assertThat(Asked.header(BEARER, "Bearer " + token).of(elsewhere)).isEqualTo(Outcome.Absent.ABSENT);
        for (Asked each : List.of(
                Asked.header("x-token", token),
                Asked.nothing().cookie("session", token),
                Asked.nothing().parameter("token", token))) {
            assertThat(each.of(elsewhere)).isInstanceOf(Outcome.Known.class);
        }
        assertThat(Asked.header(BEARER, "Basic YTpi").of(method)).isEqualTo(Outcome.Absent.ABSENT);
        assertThat(Asked.header(BEARER, "Bearer").of(method)).isEqualTo(Outcome.Absent.ABSENT);
        assertThat(Asked.header(BEARER, "Bearer ").of(method)).isEqualTo(Outcome.Absent.ABSENT);
    }

    @Test
    void twoTokensAreNone() throws Exception {
        String token = "Bearer " + KEYS.token("ES256", claims(""));
        assertThat(Asked.header(BEARER, token, token).refusal(method)).contains("more than once");
        assertThat(Asked.header(BEARER, token, "Basic YTpi").refusal(method)).contains("more than once");
    }

    @Test
    void algorithmsThatAreNotAskedForAreRefused() throws Exception {
        String accepted = "signed in a way that is not accepted";
        assertThat(refusal(KEYS.token("{\"alg\":\"none\"}", claims(""), "none")))
                .contains(accepted);
        assertThat(refusal(KEYS.token("{\"alg\":\"None\"}", claims(""), "none")))
                .contains(accepted);
        assertThat(refusal(KEYS.token("{\"alg\":\"HS256\",\"kid\":\"rsa\"}", claims(""), "HS256")))
                .contains(accepted);
        assertThat(refusal(KEYS.token("RS384", claims("")))).contains(accepted);
        assertThat(Asked.header(BEARER, "Bearer " + KEYS.token("ES256", claims("")))
                        .refusal(method(List.of("RS256"), HEADER)))
                .contains(accepted);
    }

    @Test
    void aKeyIsForItsOwnAlgorithmsOnly() throws Exception {
        // Signed with RSA, and said to be signed with the other key.
        assertThat(refusalOfHeader("{\"alg\":\"RS256\",\"kid\":\"ec\"}")).contains("no such key");
        assertThat(refusalOfHeader("{\"alg\":\"ES256\",\"kid\":\"rsa\"}")).contains("no such key");
        assertThat(refusalOfHeader("{\"alg\":\"ES256\",\"kid\":\"ec\"}")).contains("signature");
        assertThat(refusalOfHeader("{\"alg\":\"EdDSA\",\"kid\":\"ed\"}")).contains("signature");
        assertThat(refusalOfHeader("{\"alg\":\"PS256\",\"kid\":\"rsa\"}")).contains("signature");
        assertThat(refusalOfHeader("{\"alg\":\"RS256\"}")).contains("Known");
    }

    @Test
    void headersThatNobodyUnderstandsAreRefused() throws Exception {
        assertThat(refusalOfHeader("{\"alg\":\"RS256\",\"crit\":[\"exp\"],\"exp\":1}"))
                .contains("extension");
        assertThat(refusalOfHeader("{\"alg\":\"RS256\",\"crit\":[]}")).contains("extension");
        assertThat(refusalOfHeader("{\"alg\":\"RS256\",\"b64\":false}")).contains("extension");
        assertThat(refusalOfHeader("{\"alg\":\"RS256\",\"alg\":\"RS256\"}")).contains("malformed");
        assertThat(refusalOfHeader("{\"alg\":[\"RS256\"]}")).contains("malformed");
        assertThat(refusalOfHeader("{\"alg\":\"RS256\",\"kid\":7}")).contains("malformed");
        assertThat(refusalOfHeader("{}")).contains("malformed");
        assertThat(refusalOfHeader("[]")).contains("malformed");
        assertThat(refusalOfHeader("{\"alg\":\"RS256\"} {}")).contains("malformed");
        assertThat(refusalOfHeader("{\"alg\":\"RS256\",\"kid\":\"nobody's\"}")).contains("no such key");
    }

    @Test
    void keysThatATokenBringsAlongAreNotLookedAt() throws Exception {
        String header =
                "{\"alg\":\"RS256\",\"jwk\":" + OTHERS.rsa.toPublicJWK() + ",\"jku\":\"https://evil.example/\"}";
        assertThat(refusal(OTHERS.token(header, claims(""), "RS256"))).contains("signature");
    }

    @Test
    void aSignatureIsOfTheKeyAndOfAllThatIsSigned() throws Exception {
        assertThat(refusal(OTHERS.token("RS256", claims("")))).contains("signature");
        assertThat(refusal(OTHERS.token("ES256", claims("")))).contains("signature");
        assertThat(refusal(OTHERS.token("EdDSA", claims("")))).contains("signature");
        String[] one = KEYS.token("ES256", claims("")).split("\\.");
        String[] two = KEYS.token("ES256", claims(",\"admin\":true")).split("\\.");
        assertThat(refusal(one[0] + "." + two[1] + "." + one[2])).contains("signature");
        assertThat(refusal(one[0] + "." + one[1] + ".")).contains("signature");
        // All zeros (CVE-2022-21449).
        assertThat(refusal(one[0] + "." + one[1] + "." + "A".repeat(86))).contains("signature");
        assertThat(refusal(one[0] + "." + one[1] + ".AAAA")).contains("signature");
    }

    @Test
    void shapesThatAreNoTokenAreRefused() throws Exception {
        String good = KEYS.token("ES256", claims(""));
        String[] parts = good.split("\\.");
        for (String each : List.of(
                "x",
                ".",
                "..",
                "a.b",
                "a.b.c.d",
                "." + parts[1] + "." + parts[2],
                parts[0] + ".." + parts[2],
                good + "=",
                good + ".",
                "\"" + good + "\"",
                good.replace('.', ' '),
                parts[0] + "." + parts[1] + "\u0000." + parts[2],
                parts[0] + ".!!!." + parts[2],
                parts[0] + "." + TestKeys.encoded("7") + "." + parts[2],
                parts[0] + "." + TestKeys.encoded("{\"a\":".repeat(40) + "1" + "}".repeat(40)) + "." + parts[2],
                "A".repeat(5000) + "." + parts[1] + "." + parts[2],
                parts[0] + "." + parts[1] + "." + "A".repeat(5000))) {
            assertThat(refusal(each)).as(each).contains("malformed");
        }
        assertThat(refusal("a." + "A".repeat(17_000) + ".c")).contains("too long");
    }

    @Test
    void claimsHaveToBeForThisTimeAndPlace() throws Exception {
        String end = ",\"exp\":" + (now + 600) + "}";
        String start = "{\"iss\":\"https://issuer.example\",\"aud\":\"shop\"";
        assertThat(refusalOfClaims(start + end)).contains("Known");
        assertThat(refusalOfClaims("{\"aud\":\"shop\"" + end)).contains("another issuer");
        assertThat(refusalOfClaims("{\"iss\":\"https://issuer.example/\",\"aud\":\"shop\"" + end))
                .contains("another issuer");
        assertThat(refusalOfClaims("{\"iss\":[\"https://issuer.example\"],\"aud\":\"shop\"" + end))
                .contains("another issuer");
        String issuer = "{\"iss\":\"https://issuer.example\"";
        assertThat(refusalOfClaims(issuer + end)).contains("another audience");
        assertThat(refusalOfClaims(issuer + ",\"aud\":\"shopping\"" + end)).contains("another audience");
        assertThat(refusalOfClaims(issuer + ",\"aud\":{\"shop\":\"shop\"}" + end))
                .contains("another audience");
        assertThat(refusalOfClaims(issuer + ",\"aud\":[\"a\",7,\"pay\"]" + end)).contains("Known");
        assertThat(refusalOfClaims(start + ",\"sub\":7" + end)).contains("subject");
        assertThat(refusalOfClaims(start + "}")).contains("when it ends");
        assertThat(refusalOfClaims(start + ",\"exp\":\"" + (now + 600) + "\"}")).contains("when it ends");
        assertThat(refusalOfClaims(start + ",\"exp\":null}")).contains("when it ends");
        assertThat(refusalOfClaims(start + ",\"exp\":" + (now - 31) + "}")).contains("expired");
        assertThat(refusalOfClaims(start + ",\"exp\":" + (now - 29) + "}")).contains("Known");
        assertThat(refusalOfClaims(start + ",\"exp\":-1e300}")).contains("expired");
        assertThat(refusalOfClaims(start + ",\"nbf\":" + (now + 31) + end)).contains("not valid yet");
        assertThat(refusalOfClaims(start + ",\"nbf\":" + (now + 29) + end)).contains("Known");
        assertThat(refusalOfClaims(start + ",\"nbf\":\"soon\"" + end)).contains("not valid yet");
        assertThat(refusalOfClaims(start + ",\"iss\":\"https://issuer.example\"" + end))
                .contains("malformed");
    }

    @Test
    void whatIsRememberedEndsWithTheToken() throws Exception {
        String token = KEYS.token("RS256", claims(""));
        assertThat(refusal(token)).contains("Known");
        clock.advance(Duration.ofSeconds(629));
        assertThat(refusal(token)).contains("Known");
        clock.advance(Duration.ofSeconds(1));
        assertThat(refusal(token)).contains("expired");
    }

    @Test
    void whatIsRememberedEndsWithTheKeys() throws Exception {
        String token = KEYS.token("RS256", claims(""));
        assertThat(refusal(token)).contains("Known");
        source.keys = keys(OTHERS.set());
        assertThat(refusal(token)).contains("signature");
        source.keys = null;
        assertThat(Asked.header(BEARER, "Bearer " + token).of(method)).isInstanceOf(Outcome.Unavailable.class);
    }

    @Test
    void anUnknownKeyIsAskedForAndWaitedFor() throws Exception {
        source.keys = null;
        source.renews = true;
        List<Outcome> said = new ArrayList<>();
        method.authenticate(Asked.header(BEARER, "Bearer " + KEYS.token("RS256", claims(""))), said::add);
        method.authenticate(Asked.header(BEARER, "Bearer " + OTHERS.token("RS256", claims(""))), said::add);
        assertThat(said).isEmpty();
        source.keys = keys(KEYS.set());
        source.waiting.forEach(Runnable::run);
        assertThat(said).hasSize(2);
        assertThat(said.get(0)).isInstanceOf(Outcome.Known.class);
        assertThat(said.get(1)).isInstanceOf(Outcome.Refused.class);
        // A token that has another problem makes nobody ask.
        source.waiting.clear();
        assertThat(refusal(KEYS.token("{\"alg\":\"RS256\",\"kid\":\"new\"}", "{}", "RS256")))
                .contains("issuer");
        assertThat(source.waiting).isEmpty();
    }

    @Test
    void claimsInHeadersAreNothingButText() throws Exception {
        String token = KEYS.token(
                "ES256",
                claims("").replace("alice", "al\\r\\nX-Admin: 1\\u00e9%").replace("}", ",\"age\":{\"a\":1}}"));
        Outcome.Known known =
                (Outcome.Known) Asked.header(BEARER, "Bearer " + token).of(method);
        assertThat(known.headers()).containsExactly(new Outcome.Header("x-user", "al%0D%0AX-Admin: 1%C3%A9%25"));
        assertThat(refusalOfClaims(claims(",\"realm\":{\"roles\":\"" + "r".repeat(9000) + "\"}")))
                .contains("too long");
    }

    @Test
    void challengesSayWhatIsWrong() {
        assertThat(method.challenge("shop", null)).isEqualTo("Bearer realm=\"shop\"");
        assertThat(method.challenge("shop", "the token has expired"))
                .isEqualTo(
                        "Bearer realm=\"shop\", error=\"invalid_token\", error_description=\"the token has expired\"");
    }

    @Test
    void nothingThatIsNearlyATokenGetsIn() throws Exception {
        long seed = new SecureRandom().nextLong();
        SplittableRandom random = new SplittableRandom(seed);
        String good = KEYS.token("ES256", claims(""));
        int signature = good.lastIndexOf('.');
        for (int i = 0; i < 3000; i++) {
            StringBuilder token = new StringBuilder(good);
            int changes = 1 + random.nextInt(3);
            for (int change = 0; change < changes; change++) {
                int at = random.nextInt(Math.max(1, Math.min(signature, token.length())));
                switch (random.nextInt(3)) {
                    case 0 -> token.setCharAt(at, (char) random.nextInt(1, 0x180));
                    case 1 -> token.deleteCharAt(at);
                    default -> token.insert(at, (char) random.nextInt(1, 0x180));
                }
            }
            String changed = token.toString();
            // White space around it is no part of it.
            if (!changed.trim().equals(good)) {
                Outcome outcome = Asked.header(BEARER, "Bearer " + changed).of(method);
                assertThat(outcome)
                        .as("seed %d: %s", seed, changed)
                        .isNotInstanceOf(Outcome.Known.class)
                        .isNotInstanceOf(Outcome.Unavailable.class);
            }
        }
    }
}
