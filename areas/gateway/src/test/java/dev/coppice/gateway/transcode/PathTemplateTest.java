package dev.coppice.gateway.transcode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Path templates: what they are, which paths they fit, and what these say of fields. */
class PathTemplateTest {

    private static Bindings<String> bindings(String... templates) {
        Bindings<String> all = new Bindings<>();
        for (String each : templates) {
            assertThat(all.add("GET", PathTemplate.of(each), each)).isNull();
        }
        return all;
    }

    private static @Nullable String fields(String template, String path) {
        Bindings.Found<String> found = bindings(template).find("GET", path);
        return found == null ? null : found.fields().toString();
    }

    @Test
    void pathsSayWhatFieldsAre() {
        assertThat(fields("/v1/shelves", "/v1/shelves")).isEqualTo("{}");
        assertThat(fields("/v1/shelves", "/v1/shelves/")).isNull();
        assertThat(fields("/v1/shelves/{id}", "/v1/shelves/7")).isEqualTo("{id=7}");
        assertThat(fields("/v1/shelves/{id}", "/v1/shelves/")).isNull();
        assertThat(fields("/v1/shelves/{id}", "/v1/shelves/7/8")).isNull();
        assertThat(fields("/v1/{name=shelves/*/books/*}", "/v1/shelves/1/books/2"))
                .isEqualTo("{name=shelves/1/books/2}");
        assertThat(fields("/v1/{name=shelves/*}/{book.id}", "/v1/shelves/1/2"))
                .isEqualTo("{name=shelves/1, book.id=2}");
        assertThat(fields("/v1/{rest=**}", "/v1/a/b/c")).isEqualTo("{rest=a/b/c}");
        assertThat(fields("/v1/{rest=**}", "/v1")).isEqualTo("{rest=}");
        assertThat(fields("/v1/files/{rest=a/**}", "/v1/files/a/b")).isEqualTo("{rest=a/b}");
        assertThat(fields("/v1/*/x", "/v1/any/x")).isEqualTo("{}");
    }

    @Test
    void verbsAreTheEnd() {
        assertThat(fields("/v1/{name=shelves/*}:list", "/v1/shelves/1:list")).isEqualTo("{name=shelves/1}");
        assertThat(fields("/v1/{name=shelves/*}:list", "/v1/shelves/1")).isNull();
        assertThat(fields("/v1/{name=**}:list", "/v1/a/b:list")).isEqualTo("{name=a/b}");
        assertThat(fields("/v1/{name=shelves/*}", "/v1/shelves/a:b"))
                .as("no verb of any")
                .isEqualTo("{name=shelves/a:b}");
    }

    @Test
    void escapesAreTakenOutButForSlashesOfSeveralSegments() {
        assertThat(fields("/v1/{id}", "/v1/a%20b%C3%A9%2Fc")).isEqualTo("{id=a b\u00e9/c}");
        assertThat(fields("/v1/{id=**}", "/v1/a%20b/c%2Fd")).isEqualTo("{id=a b/c%2Fd}");
        assertThat(fields("/v1/{id}", "/v1/%FF")).as("no UTF-8").isNull();
        assertThat(fields("/v1/{id}", "/v1/%zz")).isNull();
        assertThat(fields("/v1/{id}", "/v1/%2")).isNull();
    }

    @Test
    void wordsGoBeforeStars() {
        Bindings<String> all = bindings("/v1/{a}", "/v1/fixed", "/v1/{b=**}", "/v1/{c}/x", "/v1/fixed/{d}");
        assertThat(found(all, "/v1/fixed")).isEqualTo("/v1/fixed");
        assertThat(found(all, "/v1/other")).isEqualTo("/v1/{a}");
        assertThat(found(all, "/v1/other/x")).isEqualTo("/v1/{c}/x");
        assertThat(found(all, "/v1/fixed/x")).isEqualTo("/v1/fixed/{d}");
        assertThat(found(all, "/v1/fixed/x/y")).isEqualTo("/v1/{b=**}");
        assertThat(found(all, "/v1")).isEqualTo("/v1/{b=**}");
        assertThat(found(all, "/")).isNull();
        assertThat(all.find("POST", "/v1/fixed")).isNull();
        assertThat(all.add("GET", PathTemplate.of("/v1/{other}"), "again")).isEqualTo("/v1/{a}");
    }

    private static @Nullable String found(Bindings<String> all, String path) {
        Bindings.Found<String> found = all.find("GET", path);
        return found == null ? null : found.value();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "v1",
                "/",
                "/v1/",
                "/v1//a",
                "/v1/{",
                "/v1/{}",
                "/v1/{a",
                "/v1/a}",
                "/v1/{a}b",
                "/v1/{a.}",
                "/v1/{1}",
                "/v1/{a=}",
                "/v1/{a}/{a}",
                "/v1/**/a",
                "/v1/{a=**}/b",
                "/v1/a*",
                "/v1/***",
                "/v1/a:",
                "/v1/a:b:c",
                "/v1/{a=b/{c}}"
            })
    void whatIsNoTemplateIsRefused(String text) {
        assertThatThrownBy(() -> PathTemplate.of(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("the path ");
    }

    /** Beside regular expressions that say the same. */
    @Test
    void anyTemplatesFindWhatAPlainReadingFinds() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        String[] words = {"a", "b", "*"};
        for (int round = 0; round < 3000; round++) {
            Bindings<String> all = new Bindings<>();
            List<String> templates = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                StringBuilder template = new StringBuilder();
                for (int length = 1 + random.nextInt(3); length > 0; length--) {
                    template.append('/').append(words[random.nextInt(3)]);
                }
                template.append(random.nextInt(4) == 0 ? "/**" : "").append(random.nextInt(4) == 0 ? ":v" : "");
                if (all.add("GET", PathTemplate.of(template.toString()), template.toString()) == null) {
                    templates.add(template.toString());
                }
            }
            StringBuilder path = new StringBuilder();
            for (int length = 1 + random.nextInt(4); length > 0; length--) {
                path.append('/').append("abc".charAt(random.nextInt(3)));
            }
            path.append(random.nextInt(3) == 0 ? ":v" : "");
            String found = found(all, path.toString());
            List<String> fitting = templates.stream()
                    .filter(each -> fits(each, path.toString()))
                    .toList();
            assertThat(found == null)
                    .as("seed %d: %s of %s", seed, path, templates)
                    .isEqualTo(fitting.isEmpty());
            if (found != null) {
                assertThat(fitting)
                        .as("seed %d: %s of %s", seed, path, templates)
                        .contains(found);
            }
        }
    }

    private static boolean fits(String template, String path) {
        String regex = Pattern.compile("/\\*\\*|/\\*")
                .matcher(template)
                .replaceAll(each -> each.group().equals("/**") ? "(/[^/]*)*" : "/[^/]+");
        // A star ends before a verb.
        return template.endsWith(":v")
                ? path.endsWith(":v")
                        && path.substring(0, path.length() - 2).matches(regex.substring(0, regex.length() - 2))
                : path.matches(regex);
    }

    @Test
    void base64IsReadHoweverItIsCutAndPadded() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 2000; round++) {
            StringBuilder encoded = new StringBuilder();
            StringBuilder plain = new StringBuilder();
            for (int i = random.nextInt(4); i >= 0; i--) {
                byte[] bytes = new byte[random.nextInt(20)];
                random.nextBytes(bytes);
                encoded.append(Base64.getEncoder().encodeToString(bytes));
                plain.append(new String(bytes, StandardCharsets.ISO_8859_1));
            }
            Base64Reader reader = new Base64Reader();
            StringBuilder read = new StringBuilder();
            byte[] all = encoded.toString().getBytes(StandardCharsets.US_ASCII);
            for (int at = 0; at < all.length; ) {
                int length = Math.min(all.length - at, 1 + random.nextInt(7));
                byte[] part = java.util.Arrays.copyOfRange(all, at, at + length);
                read.append(new String(reader.read(part), StandardCharsets.ISO_8859_1));
                at += length;
            }
            assertThat(read).as("seed %d", seed).hasToString(plain.toString());
            assertThat(reader.complete()).isTrue();
        }
        for (String bad : new String[] {"A===", "=AAA", "AA=A", "A!AA", "AA\nA", "\u00e4AAA"}) {
            assertThatThrownBy(() -> new Base64Reader().read(bad.getBytes(StandardCharsets.ISO_8859_1)))
                    .as(bad)
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void messagesAreCutOutHoweverTheyCome() {
        byte[] one = MessageFrames.framed("hello".getBytes(StandardCharsets.US_ASCII));
        MessageFrames frames = new MessageFrames(5);
        for (int i = 0; i < one.length - 1; i++) {
            assertThat(frames.read(new byte[] {one[i]})).isEmpty();
        }
        assertThat(frames.complete()).isFalse();
        assertThat(frames.read(new byte[] {one[one.length - 1]}).getFirst())
                .asString()
                .isEqualTo("hello");
        assertThat(frames.complete()).isTrue();
        assertThatThrownBy(() -> new MessageFrames(4).read(one)).hasMessageContaining("5 bytes; there may be 4");
        assertThatThrownBy(() -> new MessageFrames(5).read(new byte[] {1, 0, 0, 0, 0}))
                .hasMessageContaining("compressed");
        assertThatThrownBy(() -> new MessageFrames(5).read(new byte[] {0, -1, 0, 0, 0}))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
