package dev.coppice.gateway.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.route.RequestPath;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which files paths mean. */
class FilePathTest {

    @Test
    void pathsAreNamesOfFiles() {
        assertThat(FilePath.of("/a/b.html").names()).containsExactly("a", "b.html");
        assertThat(FilePath.of("a/b.html").names()).containsExactly("a", "b.html");
        assertThat(FilePath.of("/caf%C3%A9%20x").names()).containsExactly("caf\u00e9 x");
        assertThat(FilePath.of("/a/").directory()).isTrue();
        assertThat(FilePath.of("").directory()).isTrue();
        assertThat(FilePath.of("/a/").in("index.html").toString()).isEqualTo("a/index.html");
        assertThat(FilePath.of("/.well-known/security.txt").name()).isEqualTo("security.txt");
        assertThat(FilePath.of("/a..b").name()).isEqualTo("a..b");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/.git/config",
                "/a/.env",
                "/..",
                "/../a",
                "/a//b",
                "//a",
                "/%2E%2E/a",
                "/a%2Fb",
                "/a%2F..%2F..%2Fetc",
                "/a%5Cb",
                "/a\\b",
                "/a%00b",
                "/a%0Ab",
                "/%FF",
                "/%2",
                "/.",
                "/..."
            })
    void whatIsHiddenOrElsewhereIsNoFile(String path) {
        assertThat(FilePath.of(path)).isNull();
    }

    @Test
    void pathsHaveBounds() {
        assertThat(FilePath.of("/a".repeat(32))).isNotNull();
        assertThat(FilePath.of("/a".repeat(33))).isNull();
        assertThat(FilePath.of("/" + "a".repeat(256))).isNull();
    }

    @Property(tries = 1000)
    void noPathLeadsElsewhere(@ForAll String text) {
        for (String path : new String[] {text, RequestPath.normal("/" + text)}) {
            FilePath found = path == null ? null : FilePath.of(path);
            if (found != null) {
                assertThat(found.names()).noneMatch(each -> each.equals("..") || each.equals("."));
                assertThat(found.names()).noneMatch(each -> each.contains("/") || each.indexOf(0) >= 0);
            }
        }
    }
}
