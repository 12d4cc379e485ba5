package dev.coppice.gateway.route;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestPathTest {

    @ParameterizedTest
    @CsvSource({
        "/, /",
        "/a/b, /a/b",
        "/a//b, /a//b",
        "/a/./b, /a/b",
        "/a/../b, /b",
        "/../../a, /a",
        "/a/.., /",
        "/a/b/.., /a/",
        "/a/b/., /a/b/",
        "/%2e%2E/a, /a",
        "/a%2fb, /a%2Fb",
        "/%7euser/%41, /~user/A",
        "/a/..b/.c, /a/..b/.c",
        "/a%20b, /a%20b",
        "/%e4%bd%a0, /%E4%BD%A0"
    })
    void isNormal(String path, String normal) {
        assertThat(RequestPath.normal(path)).isEqualTo(normal);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/%", "/%2", "/%g0", "/%00", "/a b", "/a\\b", "/a#b", "/\u00e4", "/a\u007fb", "/\n"})
    void isNone(String path) {
        assertThat(RequestPath.normal(path)).isNull();
    }

    /** Normal forms stay as they are, and have no dot segments that a backend could follow. */
    @Test
    void isNormalAfterOneStep() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        String[] parts = {"/", "a", ".", "..", "%2e", "%2E%2e", "%2f", "%41", "b", "//", "/./", "/../"};
        for (int i = 0; i < 20_000; i++) {
            StringBuilder path = new StringBuilder("/");
            for (int j = random.nextInt(8); j >= 0; j--) {
                path.append(parts[random.nextInt(parts.length)]);
            }
            String normal = RequestPath.normal(path.toString());
            assertThat(normal).as("seed %d: %s", seed, path).isNotNull().startsWith("/");
            assertThat(RequestPath.normal(normal)).as("seed %d: %s", seed, path).isEqualTo(normal);
            assertThat(normal.split("/")).as("seed %d: %s", seed, path).doesNotContain(".", "..");
            assertThat(URI.create("http://host" + normal).getRawPath()).isEqualTo(normal);
        }
    }
}
