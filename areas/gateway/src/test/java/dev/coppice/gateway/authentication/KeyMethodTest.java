package dev.coppice.gateway.authentication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.SecurityConfig.Client;
import dev.coppice.gateway.config.SecurityConfig.Method;
import dev.coppice.gateway.config.SecurityConfig.Source;
import java.util.List;
import org.junit.jupiter.api.Test;

/** API keys, of which only hashes are known. */
class KeyMethodTest {
    private static final String KEY = "0123456789abcdef";
    private static final Method.ApiKey CONFIG = new Method.ApiKey(
            "partners",
            List.of(
                    new Source(Source.Type.HEADER, "x-api-key", ""),
                    new Source(Source.Type.HEADER, "authorization", "ApiKey "),
                    new Source(Source.Type.COOKIE, "key", ""),
                    new Source(Source.Type.QUERY, "api_key", "")),
            "salt",
            List.of(
                    new Client("acme", KeyMethod.hash("salt", KEY)),
                    new Client("übel", KeyMethod.hash("salt", KEY + "2"))),
            "x-client",
            false);

    private final KeyMethod method = new KeyMethod(CONFIG);

    @Test
    void aKeyIsFoundWhereverItMayBe() throws Exception {
        for (Asked each : List.of(
                Asked.header("x-api-key", KEY),
                Asked.header("x-api-key", " " + KEY + " "),
                Asked.header("authorization", "apikey " + KEY),
                Asked.nothing().cookie("key", KEY),
                Asked.nothing().parameter("api_key", KEY))) {
            assertThat(each.of(method))
                    .isEqualTo(new Outcome.Known(
                            new Identity("APIKey", "partners", "acme"),
                            List.of(new Outcome.Header("x-client", "acme"))));
        }
    }

    @Test
    void namesThatAreNoHeaderAreEscaped() throws Exception {
        Outcome.Known known =
                (Outcome.Known) Asked.header("x-api-key", KEY + "2").of(method);
        assertThat(known.headers()).containsExactly(new Outcome.Header("x-client", "%C3%BCbel"));
        assertThat(known.identity().subject()).isEqualTo("übel");
    }

    @Test
    void othersAreRefusedOrNotThere() throws Exception {
        assertThat(Asked.nothing().of(method)).isEqualTo(Outcome.Absent.ABSENT);
        assertThat(Asked.header("x-api-key", "").of(method)).isEqualTo(Outcome.Absent.ABSENT);
        assertThat(Asked.header("x-api-key", KEY.toUpperCase(java.util.Locale.ROOT))
                        .refusal(method))
                .contains("not known");
        assertThat(Asked.header("x-api-key", KEY, KEY).refusal(method)).contains("more than once");
        assertThat(Asked.nothing()
                        .parameter("api_key", KEY)
                        .parameter("api_key", "x")
                        .refusal(method))
                .contains("more than once");
        assertThat(Asked.header("x-api-key", KeyMethod.hash("salt", KEY)).refusal(method))
                .contains("not known");
        assertThat(Asked.header("x-api-key", "x".repeat(10_000)).refusal(method))
                .contains("not known");
    }

    @Test
    void nothingTellsAKeyOrItsHash() {
        assertThat(CONFIG.toString()).doesNotContain(KEY).doesNotContain(KeyMethod.hash("salt", KEY));
        assertThat(KeyMethod.hash("salt", KEY)).hasSize(64).isNotEqualTo(KeyMethod.hash("pepper", KEY));
        assertThat(method.challenge("shop", null)).isEqualTo("ApiKey realm=\"shop\"");
    }
}
