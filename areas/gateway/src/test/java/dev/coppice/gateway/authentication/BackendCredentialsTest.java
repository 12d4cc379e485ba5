package dev.coppice.gateway.authentication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.CredentialConfig;
import dev.coppice.gateway.config.SecurityConfig.Secret;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SimulatedClock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Tokens that the gateway fetches in order to show them: when, and how long they are good. */
class BackendCredentialsTest {
    private final SimulatedClock clock = new SimulatedClock();
    private final Kernel kernel = Kernel.start(clock);
    private final TestIssuer issuer = new TestIssuer(() -> clock.now().getEpochSecond());
    private final Queue<Runnable> work = new ArrayDeque<>();
    private final List<String> told = new ArrayList<>();
    private final BackendCredentials credentials = credentials(TestIssuer.SECRET, false);

    @AfterEach
    void stop() {
        kernel.close();
    }

    private BackendCredentials credentials(String secret, boolean inBody) {
        return BackendCredentials.fetched(
                new CredentialConfig.ClientCredentials(
                        issuer.issuer + "/token",
                        TestIssuer.CLIENT,
                        new Secret(secret),
                        inBody,
                        List.of("a", "b"),
                        "orders",
                        null,
                        false),
                issuer,
                kernel,
                work::add,
                told::add);
    }

    private void work() {
        while (!work.isEmpty()) {
            work.remove().run();
        }
    }

    @Test
    void aTokenIsFetchedOnceAndRenewedBeforeItEnds() {
        assertThat(credentials.value()).isNull();
        assertThat(credentials.renew(() -> told.add("done"))).isTrue();
        work();
        assertThat(told).containsExactly("fetched", "done");
        assertThat(credentials.header()).isEqualTo("authorization");
        assertThat(credentials.value()).isEqualTo("Bearer machine-0");
        clock.advance(Duration.ofSeconds(240));
        assertThat(credentials.value()).isEqualTo("Bearer machine-0");
        assertThat(work).isEmpty();
        clock.advance(Duration.ofSeconds(1));
        assertThat(credentials.value()).isEqualTo("Bearer machine-0");
        assertThat(work).hasSize(1);
        work();
        assertThat(credentials.value()).isEqualTo("Bearer machine-1");
        assertThat(issuer.calls).containsExactly("/token", "/token");
    }

    @Test
    void oneThatCannotBeRenewedEndsInTime() {
        credentials.renew(() -> {});
        work();
        issuer.away = true;
        clock.advance(Duration.ofSeconds(290));
        assertThat(credentials.value()).isNotNull();
        work();
        clock.advance(Duration.ofSeconds(1));
        assertThat(credentials.value()).isNull();
        work();
        issuer.away = false;
        clock.advance(Duration.ofSeconds(30));
        assertThat(credentials.renew(() -> {})).isTrue();
        work();
        assertThat(credentials.value()).isEqualTo("Bearer machine-1");
    }

    @Test
    void oneThatIsWantedIsFetchedAgainAfterAFailure() {
        issuer.away = true;
        assertThat(credentials.value()).isNull();
        work();
        assertThat(told).containsExactly("failed");
        assertThat(credentials.value()).isNull();
        assertThat(work).isEmpty();
        issuer.away = false;
        clock.advance(Duration.ofSeconds(30));
        assertThat(credentials.value()).isNull();
        assertThat(credentials.value()).isNull();
        assertThat(work).hasSize(1);
        work();
        assertThat(credentials.value()).isEqualTo("Bearer machine-0");
    }

    @Test
    void whoeverIsNotKnownGetsNone() {
        BackendCredentials wrong = credentials("wrong", true);
        wrong.renew(() -> {});
        work();
        assertThat(wrong.value()).isNull();
        assertThat(told).containsExactly("failed");
        BackendCredentials inBody = credentials(TestIssuer.SECRET, true);
        inBody.renew(() -> {});
        work();
        assertThat(inBody.value()).isNotNull();
    }

    @Test
    void fixedOnesAreAlwaysThere() {
        CredentialConfig.Fixed fixed = new CredentialConfig.Fixed("x-key", new Secret("s3cret"));
        BackendCredentials known = BackendCredentials.of(fixed, kernel, work::add, told::add);
        assertThat(known.header()).isEqualTo("x-key");
        assertThat(known.value()).isEqualTo("s3cret");
        assertThat(known.renew(() -> {})).isFalse();
        assertThat(fixed.toString()).doesNotContain("s3cret");
        BackendCredentials none = BackendCredentials.of(new CredentialConfig.Missing(), kernel, work::add, told::add);
        assertThat(none.value()).isNull();
        assertThat(none.renew(() -> {})).isFalse();
    }
}
