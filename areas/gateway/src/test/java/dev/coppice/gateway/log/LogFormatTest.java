package dev.coppice.gateway.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.coppice.kernel.SimulatedClock;
import java.time.Instant;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** How lines are written, and what they make of hostile text. */
class LogFormatTest {
    private final LogClock clock = new LogClock(new SimulatedClock(Instant.parse("2026-03-04T05:06:07.089Z")));

    /** A request that says what a test wants. */
    private static final class Told implements LoggedRequest {
        private final Map<LogField, Object> fields = new EnumMap<>(LogField.class);
        private final Map<String, String> headers = new HashMap<>();

        Told with(LogField field, Object value) {
            fields.put(field, value);
            return this;
        }

        Told header(String name, String value) {
            headers.put(name, value);
            return this;
        }

        @Override
        public @Nullable String text(LogField field) {
            return (String) fields.get(field);
        }

        @Override
        public long number(LogField field) {
            return fields.get(field) instanceof Number number ? number.longValue() : 0;
        }

        @Override
        public @Nullable String requestHeader(String name) {
            return headers.get(name);
        }

        @Override
        public @Nullable String responseHeader(String name) {
            return headers.get("answer " + name);
        }

        @Override
        public @Nullable String claim(String name) {
            return headers.get("claim " + name);
        }
    }

    private static Told request() {
        return new Told()
                .with(LogField.CLIENT, "192.0.2.7")
                .with(LogField.METHOD, "GET")
                .with(LogField.HOST, "shop.example")
                .with(LogField.TARGET, "/cart?id=1")
                .with(LogField.PROTOCOL, "HTTP/1.1")
                .with(LogField.STATUS, 200)
                .with(LogField.BYTES_OUT, 512)
                .with(LogField.MICROS, 1500)
                .with(LogField.ROUTE, "default/shop")
                .with(LogField.ENDPOINT, "10.0.0.1:80")
                .with(LogField.TRIES, 1)
                .with(LogField.AGENT, "curl/8");
    }

    private String line(LogFormat format, LoggedRequest request) {
        StringBuilder line = new StringBuilder();
        format.add(line, request, clock);
        return line.toString();
    }

    @Test
    void jsonHasTheStandardFields() {
        assertThat(line(LogFormat.JSON, request()))
                .isEqualTo(
                        "{\"time\":\"2026-03-04T05:06:07.089Z\",\"client\":\"192.0.2.7\",\"method\":\"GET\",\"host\":\"shop.example\","
                                + "\"target\":\"/cart?id=1\",\"status\":200,\"bytes_in\":0,\"bytes_out\":512,\"micros\":1500,"
                                + "\"route\":\"default/shop\",\"endpoint\":\"10.0.0.1:80\",\"tries\":1,\"agent\":\"curl/8\"}");
        assertThat(line(LogFormat.JSON, request().with(LogField.TRACE_ID, "ab").with(LogField.LIMIT, "default/l/all")))
                .contains(",\"limit\":\"default/l/all\",\"trace_id\":\"ab\",\"agent\"");
    }

    @Test
    void apachesFormatsAreAsApacheHasThem() {
        assertThat(line(LogFormat.COMMON, request()))
                .isEqualTo("192.0.2.7 - - [04/Mar/2026:05:06:07 +0000] \"GET /cart?id=1 HTTP/1.1\" 200 512");
        Told more = request()
                .with(LogField.SUBJECT, "Ann Lee")
                .with(LogField.BYTES_OUT, 0)
                .with(LogField.REFERER, "http://a/\"b");
        assertThat(line(LogFormat.COMBINED, more))
                .isEqualTo("192.0.2.7 - Ann_Lee [04/Mar/2026:05:06:07 +0000] \"GET /cart?id=1 HTTP/1.1\" 200 -"
                        + " \"http://a/\\\"b\" \"curl/8\"");
    }

    @Test
    void templatesNameFieldsAndHeaders() throws Exception {
        LogFormat format = LogFormat.template(
                "{time} {{{client}}} {status}/{micros} {request.header.X-Id} {response.header.content-type} {limit}");
        assertThat(line(format, request().header("x-id", "7").header("answer content-type", "text/html")))
                .isEqualTo("2026-03-04T05:06:07.089Z {192.0.2.7} 200/1500 7 text/html -");
    }

    @Test
    void jsonMayHaveFurtherMembers() throws Exception {
        Map<String, String> more = new LinkedHashMap<>();
        more.put("id", "{request.header.x-id}");
        more.put("way", "{method} \"{status}\"");
        JsonNode read =
                new ObjectMapper().readTree(line(LogFormat.json(more), request().header("x-id", "a\"b\n")));
        assertThat(read.get("id").asText()).isEqualTo("a\"b\n");
        assertThat(read.get("way").asText()).isEqualTo("GET \"200\"");
        assertThat(read.get("agent").asText()).isEqualTo("curl/8");
    }

    @Test
    void allThatIsWrongWithATemplateIsToldAtOnce() {
        assertThatThrownBy(() -> LogFormat.template("{nothing} } {request.header.authorization} {response.header.} \n"))
                .isInstanceOf(LogFormat.InvalidTemplateException.class)
                .hasMessageContaining("{nothing}: there is no such field; expected one of time, client")
                .hasMessageContaining("\"}\" at character 11")
                .hasMessageContaining("{request.header.authorization}: the value may be a credential")
                .hasMessageContaining("{response.header.}: expected a header's name")
                .hasMessageContaining("control character");
        assertThatThrownBy(() -> LogFormat.template("{client")).hasMessageContaining("\"{\" at character 1");
        assertThatThrownBy(() -> LogFormat.template("{status} ".repeat(40))).hasMessageContaining("80 parts");
        assertThatThrownBy(() -> LogFormat.json(Map.of("key", "{request.header.X-Api-Key}")))
                .hasMessageContaining("key: {request.header.X-Api-Key}");
    }

    @Test
    void claimsAreNamed() throws Exception {
        LogFormat format = LogFormat.template("{claim.tenant} {claim.realm.roles} {claim.none}");
        assertThat(line(format, request().header("claim tenant", "a b").header("claim realm.roles", "x,\ny")))
                .isEqualTo("a b x,\\x0ay -");
        assertThatThrownBy(() -> LogFormat.template("{claim.}")).hasMessageContaining("claim.NAME");
    }

    @Test
    void longValuesAreCut() throws Exception {
        assertThat(line(LogFormat.template("{request.header.x}"), request().header("x", "y".repeat(5000))))
                .hasSize(1024);
        assertThat(line(LogFormat.template("{target}"), request().with(LogField.TARGET, "/".repeat(50_000))))
                .hasSize(16 << 10);
    }

    @Test
    void noTextEndsALineOrBecomesAFieldOfItsOwn() throws Exception {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        LogFormat template = LogFormat.template("\"{target}\" \"{agent}\" {status}");
        for (int i = 0; i < 2000; i++) {
            StringBuilder made = new StringBuilder();
            int length = random.nextInt(20);
            for (int k = 0; k < length; k++) {
                made.append(
                        random.nextInt(3) == 0
                                ? "\"\\\n\r\t{}\u0000\u007f\u0085\u2028".charAt(random.nextInt(11))
                                : (char) random.nextInt(0x2100));
            }
            String hostile = made.toString();
            Told told = request().with(LogField.TARGET, hostile).with(LogField.AGENT, hostile);
            JsonNode read = new ObjectMapper().readTree(line(LogFormat.JSON, told));
            assertThat(read.get("target").asText()).as("seed %d", seed).isEqualTo(hostile);
            for (LogFormat each : new LogFormat[] {LogFormat.COMBINED, template, LogFormat.JSON}) {
                assertThat(line(each, told)).as("seed %d", seed).matches("[\\x20-\\x7e]*");
            }
            assertThat(line(template, told))
                    .as("seed %d", seed)
                    .matches("\"([^\"\\\\]|\\\\.)*\" \"([^\"\\\\]|\\\\.)*\" 200");
        }
    }
}
