package dev.coppice.control.oidc;

import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jwt.JWTClaimsSet;
import dev.coppice.control.runtime.Eventually;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.Identity;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** ID tokens of an issuer that is asked over HTTPS. */
class OidcTokensTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    @TempDir
    Path folder;

    private Kernel serving;
    private Kernel kernel;
    private Issuer issuer;

    @BeforeEach
    void start() throws Exception {
        serving = Kernel.start();
        kernel = Kernel.start();
        issuer = new Issuer(serving, folder);
    }

    @AfterEach
    void stop() {
        kernel.close();
        issuer.close();
        serving.close();
    }

    private OidcOptions options(
            String usernameClaim, @Nullable String usernamePrefix, String groupsPrefix, Map<String, String> required) {
        return new OidcOptions(
                issuer.url(),
                Issuer.CLIENT,
                usernameClaim,
                usernamePrefix,
                "groups",
                groupsPrefix,
                required,
                issuer.authority(),
                List.of("RS256"));
    }

    private OidcTokens started(OidcOptions options, Duration gap) throws Exception {
        OidcTokens tokens = OidcTokens.of(kernel, options, gap).orElseThrow();
        var _ = kernel.root().start(tokens.child());
        return tokens;
    }

    private OidcTokens ready(OidcOptions options) throws Exception {
        OidcTokens tokens = started(options, Duration.ofHours(1));
        String good = issuer.token(c -> c);
        Eventually.eventually(LIMIT, () -> tokens.problem(good).isEmpty());
        return tokens;
    }

    private OidcTokens ready() throws Exception {
        return ready(options("sub", null, "oidc:", Map.of()));
    }

    private Optional<Identity> with(OidcTokens tokens, UnaryOperator<JWTClaimsSet.Builder> change) throws Exception {
        return tokens.identify(issuer.token(change));
    }

    @Test
    void aTokenNamesAUserAndGroupsWithTheirPrefixes() throws Exception {
        Identity kim = with(ready(), c -> c).orElseThrow();
        assertThat(kim.name()).isEqualTo(issuer.url() + "#kim");
        assertThat(kim.groups()).containsExactly("oidc:devs", "oidc:night", "system:authenticated");
    }

    @Test
    void tokensThatAreNotGood() throws Exception {
        OidcTokens tokens = ready();
        assertThat(with(tokens, c -> c.expirationTime(Date.from(Instant.now().minusSeconds(1)))))
                .as("ended")
                .isEmpty();
        assertThat(with(tokens, c -> c.expirationTime(null)))
                .as("without an end")
                .isEmpty();
        assertThat(with(tokens, c -> c.notBeforeTime(Date.from(Instant.now().plusSeconds(3_600)))))
                .as("early")
                .isEmpty();
        assertThat(with(tokens, c -> c.audience("another"))).as("for another").isEmpty();
        assertThat(with(tokens, c -> c.issuer("https://another.example")))
                .as("another issuer's")
                .isEmpty();
        assertThat(with(tokens, c -> c.subject(null))).as("without a name").isEmpty();
        assertThat(with(tokens, c -> c.claim("groups", List.of(1))))
                .as("odd groups")
                .isEmpty();
        assertThat(tokens.identify(issuer.forged())).as("forged").isEmpty();
        assertThat(tokens.identify(issuer.signedOtherwise())).as("PS512").isEmpty();
        assertThat(tokens.identify(issuer.unsigned())).as("unsigned").isEmpty();
        assertThat(tokens.identify("a.b.c")).isEmpty();
        assertThat(tokens.identify("x".repeat(100_000))).isEmpty();
        assertThat(with(tokens, c -> c)).as("and one that is").isPresent();
    }

    @Test
    void requiredClaims() throws Exception {
        OidcTokens tokens = ready(options("sub", "-", "", Map.of("hd", "example.org")));
        assertThat(with(tokens, c -> c)).isEmpty();
        assertThat(with(tokens, c -> c.claim("hd", "elsewhere.org"))).isEmpty();
        assertThat(with(tokens, c -> c.claim("hd", "example.org")).orElseThrow().name())
                .isEqualTo("kim");
    }

    @Test
    void anEmailHasToBeVerifiedIfTheIssuerSaysWhetherItIs() throws Exception {
        OidcTokens tokens = ready(options("email", null, "", Map.of()));
        assertThat(with(tokens, c -> c.claim("email", "kim@example.org"))
                        .orElseThrow()
                        .name())
                .isEqualTo("kim@example.org");
        assertThat(with(tokens, c -> c.claim("email", "kim@example.org").claim("email_verified", false)))
                .isEmpty();
    }

    @Test
    void nobodyBecomesAnAdministratorByTheNameOfAGroup() throws Exception {
        OidcTokens tokens = ready(options("sub", "-", "", Map.of()));
        assertThat(with(tokens, c -> c.claim("groups", "system:masters"))).isEmpty();
        assertThat(with(tokens, c -> c.subject("system:admin"))).isEmpty();
        assertThat(with(tokens, c -> c.claim("groups", "devs")).orElseThrow().groups())
                .contains("devs");
    }

    @Test
    void aNewKeyIsFetchedWhenATokenNamesIt() throws Exception {
        OidcTokens tokens = ready();
        issuer.rotate("second");
        assertThat(with(tokens, c -> c)).isPresent();
        int fetches = issuer.fetches();
        issuer.rotate("third");
        assertThat(with(tokens, c -> c))
                .as("another one that soon is not looked for")
                .isEmpty();
        assertThat(issuer.fetches()).isEqualTo(fetches);
    }

    @Test
    void whileTheIssuerIsAwayItIsToldAndKeysThatAreKnownAreUsedOn() throws Exception {
        issuer.away(true);
        OidcTokens tokens = started(options("sub", null, "", Map.of()), Duration.ZERO);
        String token = issuer.token(c -> c);
        Eventually.eventually(LIMIT, () -> tokens.problem(token).orElse("").contains("status 503"));
        assertThat(tokens.problem(token).orElseThrow())
                .startsWith("the keys of the OpenID Connect issuer " + issuer.url() + " cannot be fetched");
        assertThat(tokens.problem("another.to.ken")).isEmpty();
        issuer.away(false);
        Eventually.eventually(LIMIT, () -> tokens.identify(token).isPresent());
        issuer.away(true);
        assertThat(tokens.identify(issuer.forged())).isEmpty();
        assertThat(tokens.identify(token)).isPresent();
    }

    @Test
    void anIssuerThatCallsItselfOtherwiseIsNotTrusted() throws Exception {
        issuer.callItself("https://another.example");
        OidcTokens tokens = started(options("sub", null, "", Map.of()), Duration.ofHours(1));
        String token = issuer.token(c -> c);
        Eventually.eventually(
                LIMIT, () -> tokens.problem(token).orElse("").contains("names the issuer \"https://another.example\""));
    }

    @Test
    void everythingThatIsWrongWithTheOptionsIsToldAtOnce() throws Exception {
        Path file = folder.resolve("none.crt");
        Files.writeString(file, "no certificate");
        List<String> problems = new ArrayList<>();
        new OidcOptions(
                        URI.create("http://issuer?x"),
                        "",
                        "",
                        null,
                        null,
                        "",
                        Map.of(),
                        file,
                        List.of("HS256", "RS256"))
                .check(problems);
        assertThat(problems).hasSize(5);
        assertThat(problems.get(0)).startsWith("--oidc-issuer-url: \"http://issuer?x\": expected https://HOST");
        assertThat(problems.get(1)).startsWith("--oidc-client-id: is missing");
        assertThat(problems.get(2)).startsWith("--oidc-username-claim: \"\"");
        assertThat(problems.get(3)).startsWith("--oidc-signing-algs: \"HS256\"");
        assertThat(problems.get(4)).startsWith("--oidc-ca-file: " + file);
    }
}
