package dev.coppice.gateway.authentication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.gateway.config.SecurityConfig.KeySet;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SimulatedClock;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** When keys are fetched, and how long they are good. */
class RemoteKeysTest {
    private static final KeySet.Remote CONFIG = new KeySet.Remote("https://issuer.example/keys", null, 600_000, false);
    private static final String SET = new TestKeys().set();

    private final SimulatedClock clock = new SimulatedClock();
    private final Kernel kernel = Kernel.start(clock);
    private final Queue<Runnable> work = new ArrayDeque<>();
    private final List<String> told = new ArrayList<>();
    private @Nullable String published = SET;
    private int waited;
    private final RemoteKeys keys = new RemoteKeys(CONFIG, kernel, this::fetch, work::add, told::add);

    @AfterEach
    void stop() {
        kernel.close();
    }

    private String fetch() throws IOException {
        String now = published;
        if (now == null) {
            throw new IOException("nobody there");
        }
        return now;
    }

    private boolean renew() {
        return keys.renew(() -> waited++);
    }

    private void work() {
        while (!work.isEmpty()) {
            work.remove().run();
        }
    }

    @Test
    void allWhoWaitAreToldByOneFetch() {
        assertThat(keys.current()).isNull();
        assertThat(renew()).isTrue();
        assertThat(renew()).isTrue();
        assertThat(work).hasSize(1);
        work();
        assertThat(waited).isEqualTo(2);
        assertThat(keys.current()).isNotNull();
        assertThat(told).containsExactly("fetched");
    }

    @Test
    void nobodyMakesItFetchAllTheTime() {
        assertThat(renew()).isTrue();
        work();
        assertThat(renew()).isFalse();
        clock.advance(Duration.ofSeconds(9));
        assertThat(renew()).isFalse();
        clock.advance(Duration.ofSeconds(1));
        assertThat(renew()).isTrue();
        work();
        assertThat(told).hasSize(2);
    }

    @Test
    void oldKeysAreGoodWhileNewOnesAreFetched() {
        renew();
        work();
        VerificationKeys first = keys.current();
        clock.advance(Duration.ofMinutes(10));
        assertThat(keys.current()).isSameAs(first);
        assertThat(work).isEmpty();
        clock.advance(Duration.ofSeconds(1));
        assertThat(keys.current()).isSameAs(first);
        assertThat(work).hasSize(1);
        work();
        // The same set is the same keys, so that what is remembered stays good.
        assertThat(keys.current()).isSameAs(first);
        published = new TestKeys().set();
        clock.advance(Duration.ofMinutes(11));
        keys.current();
        work();
        assertThat(keys.current()).isNotNull().isNotSameAs(first);
    }

    @Test
    void keysAreGoodForADayWhileTheIssuerIsAway() {
        renew();
        work();
        published = null;
        clock.advance(Duration.ofHours(24));
        assertThat(keys.current()).isNotNull();
        work();
        assertThat(told).containsExactly("fetched", "failed");
        clock.advance(Duration.ofSeconds(1));
        assertThat(keys.current()).isNull();
        published = SET;
        clock.advance(Duration.ofMinutes(1));
        assertThat(renew()).isTrue();
        work();
        assertThat(keys.current()).isNotNull();
    }

    @Test
    void failuresAreTriedAgainLaterAndLater() {
        published = "no JSON";
        assertThat(renew()).isTrue();
        work();
        assertThat(waited).isEqualTo(1);
        assertThat(renew()).isFalse();
        for (int i = 0; i < 10; i++) {
            clock.advance(Duration.ofSeconds(30));
            assertThat(renew()).isTrue();
            work();
        }
        assertThat(told).hasSize(11).containsOnly("failed");
        assertThat(keys.current()).isNull();
    }

    @Test
    void notEverybodyCanWait() {
        int taken = 0;
        while (renew()) {
            taken++;
        }
        assertThat(taken).isEqualTo(1024);
        work();
        assertThat(waited).isEqualTo(taken);
    }

    @Test
    void setsHaveToHaveKeysThatCanBeUsed() throws Exception {
        TestKeys test = new TestKeys();
        String rsa = test.rsa.toPublicJWK().toString();
        String secret = "{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}";
        assertThat(VerificationKeys.readStrictly("{\"keys\":[" + rsa + "]}").size())
                .isEqualTo(1);
        assertThat(VerificationKeys.read("{\"keys\":[" + secret + "," + rsa + ",{\"kty\":\"new\"}]}")
                        .size())
                .isEqualTo(1);
        for (String bad : List.of(
                "",
                "[]",
                "{}",
                "{\"keys\":[]}",
                "{\"keys\":{}}",
                "{\"keys\":[" + secret + "]}",
                "{\"keys\":[" + test.rsa + "]}",
                "{\"keys\":[" + rsa.replace("{", "{\"use\":\"enc\",") + "]}",
                "{\"keys\":[" + rsa.replace("{", "{\"alg\":\"HS256\",") + "]}",
                "{\"keys\":[" + rsa.replace("\"AQAB\"", "\"AQ\"") + "]}",
                "{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"" + "A".repeat(86) + "\"}]}",
                "{\"keys\":[7]}",
                "{\"keys\":[" + rsa + "],\"keys\":[]}")) {
            assertThatThrownBy(() -> VerificationKeys.read(bad))
                    .as(bad)
                    .isInstanceOf(VerificationKeys.InvalidKeySetException.class);
        }
        assertThatThrownBy(() -> VerificationKeys.readStrictly("{\"keys\":[" + rsa + "," + secret + "]}"))
                .hasMessageContaining("keys[1], which is private or symmetric");
    }
}
