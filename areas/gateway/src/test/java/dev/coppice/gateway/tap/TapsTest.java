package dev.coppice.gateway.tap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.coppice.expression.Variables;
import dev.coppice.gateway.log.LogClock;
import dev.coppice.gateway.log.LogField;
import dev.coppice.kernel.SimulatedClock;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Who is shown which requests, and what becomes of too many of them. */
class TapsTest {
    private static final long SECOND = 1_000_000_000;

    private final Taps taps = new Taps(new PrometheusRegistry());
    private final LogClock clock = new LogClock(new SimulatedClock());
    private long now;

    private record Told(String route, int code) implements TappedRequest {
        @Override
        public Variables variables() {
            return name -> name.equals("response.code") ? (long) code : "";
        }

        @Override
        public void requestHeaders(BiConsumer<String, String> each) {
            each.accept("a", "1\n");
            each.accept("b", "2");
        }

        @Override
        public void responseHeaders(BiConsumer<String, String> each) {
            for (int i = 0; i < 150; i++) {
                each.accept("h" + i, "");
            }
        }

        @Override
        public @Nullable String text(LogField field) {
            return field == LogField.ROUTE ? route : "";
        }

        @Override
        public long number(LogField field) {
            return field == LogField.STATUS ? code : 0;
        }

        @Override
        public @Nullable String requestHeader(String name) {
            return null;
        }

        @Override
        public @Nullable String responseHeader(String name) {
            return null;
        }
    }

    private Tap open(String route, String match, String headers, String limit) {
        return taps.open(TapQuestion.of(route, "", match, headers, limit, "")).orElseThrow();
    }

    private void tell(String route, int code) {
        taps.tell(new Told(route, code), clock, now);
    }

    private static List<JsonNode> rest(Tap tap) throws Exception {
        tap.end("enough");
        List<JsonNode> all = new ArrayList<>();
        for (String line = tap.next(); line != null; line = tap.next()) {
            all.add(new ObjectMapper().readTree(line));
        }
        return all;
    }

    @Test
    void watchersSeeWhatTheyAskFor() throws Exception {
        assertThat(taps.watched()).isFalse();
        Tap all = open("", "", "", "");
        Tap shop = open("default/shop", "", "", "");
        Tap errors = open("", "response.code >= 500", "true", "");
        Tap odd = open("", "request.headers['no'] == ''", "", "");
        assertThat(taps.watched()).isTrue();
        tell("default/shop", 200);
        tell("default/blog", 500);
        tell("", 404);
        assertThat(rest(all)).extracting(each -> each.path("status").asInt()).containsExactly(200, 500, 404);
        assertThat(rest(shop)).extracting(each -> each.path("route").asText()).containsExactly("default/shop");
        List<JsonNode> bad = rest(errors);
        assertThat(bad).extracting(each -> each.path("status").asInt()).containsExactly(500);
        assertThat(bad.getFirst().path("request_headers"))
                .extracting(JsonNode::asText)
                .containsExactly("a: 1\n", "b: 2");
        assertThat(bad.getFirst().path("response_headers")).hasSize(100);
        assertThat(rest(odd)).isEmpty();
        List.of(all, shop, errors, odd).forEach(Tap::close);
        assertThat(taps.watched()).isFalse();
    }

    @Test
    void itIsOverAfterSoManyRequests() throws Exception {
        Tap tap = open("", "", "", "2");
        for (int i = 0; i < 5; i++) {
            tell("", 200 + i);
        }
        assertThat(rest(tap)).extracting(each -> each.path("status").asInt()).containsExactly(200, 201);
        assertThat(tap.summary()).isEqualTo("{\"end\":\"limit\",\"matched\":2,\"dropped\":0}");
    }

    @Test
    void whatComesTooFastIsDroppedAndTheWatcherIsTold() throws Exception {
        Tap tap = open("", "", "", "1000");
        for (int i = 0; i < Tap.MOST_A_SECOND + 30; i++) {
            tell("", 200);
        }
        assertThat(tap.next()).isEqualTo("{\"dropped\":30}");
        assertThat(tap.next()).contains("\"status\":200");
        now += SECOND;
        for (int i = 0; i < 100; i++) {
            tell("", 201);
        }
        assertThat(tap.next()).as("nobody read").isEqualTo("{\"dropped\":43}");
        tap.end("duration");
        assertThat(tap.summary()).isEqualTo("{\"end\":\"duration\",\"matched\":330,\"dropped\":73}");
        assertThat(rest(tap)).hasSize(256);
    }

    @Test
    void onlySoManyMayWatch() {
        List<Tap> all = new ArrayList<>();
        for (int i = 0; i < Taps.MOST_WATCHERS; i++) {
            all.add(open("", "", "", ""));
        }
        TapQuestion question = TapQuestion.of("", "", "", "", "", "");
        assertThat(taps.open(question)).isEmpty();
        all.getFirst().close();
        assertThat(taps.open(question)).isPresent();
    }

    @Test
    void whoeverStillWatchesWhenItStopsIsToldSo() throws Exception {
        Tap tap = open("", "", "", "");
        taps.close();
        assertThat(tap.next()).isNull();
        assertThat(tap.summary()).contains("\"end\":\"stopped\"");
    }

    @Test
    void allThatIsWrongWithAQuestionIsTold() {
        assertThatThrownBy(() -> TapQuestion.of("shop", "TCP,FTP", "response.code", "yes", "0", "1d"))
                .hasMessageContaining("route: \"shop\": expected NAMESPACE/NAME")
                .hasMessageContaining("protocol: \"FTP\": expected some of HTTP, TCP, TLS, UDP")
                .hasMessageContaining("headers: \"yes\": expected true or false")
                .hasMessageContaining("limit: \"0\": expected 1 to 100000 requests")
                .hasMessageContaining("duration: \"1d\": expected a duration up to 10m")
                .hasMessageContaining("match: ");
        assertThatThrownBy(() -> TapQuestion.of("", "", "", "", "1000000", "11m"))
                .hasMessageContaining("limit: ")
                .hasMessageContaining("duration: ");
    }
}
