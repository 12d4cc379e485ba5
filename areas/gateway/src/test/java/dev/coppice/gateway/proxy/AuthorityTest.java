package dev.coppice.gateway.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AuthorityTest {

    @ParameterizedTest
    @CsvSource({
        "example.org, example.org, -1",
        "EXAMPLE.org:80, example.org, 80",
        "example.org., example.org, -1",
        "example.org.:8080, example.org, 8080",
        "127.0.0.1:1, 127.0.0.1, 1",
        "[::1]:443, [::1], 443",
        "[2001:DB8::1], [2001:db8::1], -1",
        "a_b.example, a_b.example, -1"
    })
    void isRead(String text, String host, int port) {
        assertThat(Authority.of(text)).isEqualTo(new Authority(host, port));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", ":80", "a:", "a:x", "a:70000", "a:123456", "a/b", "a@b", "a b", "[::1", "[::1]80", "a,b", "é"
            })
    void isMalformed(String text) {
        assertThat(Authority.of(text)).isNull();
    }
}
