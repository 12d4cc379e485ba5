package dev.coppice.gateway.transcode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Where bodies with several messages are cut. */
class JsonElementsTest {
    private static final JsonMapper JSON = new JsonMapper();
    private static final int[] WORDS =
            "ab\\\"[]{},: \n\u00e9\ud83d\ude00".codePoints().toArray();

    private static List<String> cut(String body, boolean values, int piece) throws RequestException {
        JsonElements elements = new JsonElements(1000, values);
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        List<String> all = new ArrayList<>();
        for (int at = 0; at < bytes.length; at += piece) {
            elements.read(Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + piece)))
                    .forEach(each -> all.add(new String(each, StandardCharsets.UTF_8)));
        }
        elements.end().forEach(each -> all.add(new String(each, StandardCharsets.UTF_8)));
        return all;
    }

    private static List<String> cut(String body) throws RequestException {
        return cut(body, false, 1000);
    }

    @Test
    void arraysAndLines() throws Exception {
        assertThat(cut(" [ {\"a\": [1, \"]\"]} ,{}, 12 , \"x\\\"y\",null] \n"))
                .containsExactly("{\"a\": [1, \"]\"]}", "{}", "12", "\"x\\\"y\"", "null");
        assertThat(cut("{\"a\":1}\n\n{\"b\":\"}\"}\r\n{}{} 7\n8"))
                .containsExactly("{\"a\":1}", "{\"b\":\"}\"}", "{}", "{}", "7", "8");
        assertThat(cut("[1]\n[2,3]", true, 1000)).containsExactly("[1]", "[2,3]");
        for (String empty : List.of("", " ", "[]", " [ ] ")) {
            assertThat(cut(empty)).isEmpty();
        }
    }

    private static void refused(String body, String why) {
        assertThatThrownBy(() -> cut(body))
                .as(body)
                .isInstanceOf(RequestException.class)
                .hasMessageContaining(why);
    }

    @Test
    void whatIsNoStreamIsRefused() {
        refused("[1, {\"a\": ", "ends in the middle of message 2");
        refused("{\"a\": \"x", "ends in the middle of message 1");
        refused("[1", "ends in the middle of message 1");
        refused("[{}", "ends before its array does, after message 1");
        refused("[", "ends before its array does, after message 0");
        refused("[{},]", "expected message 2, and not ]");
        refused("[,{}]", "expected message 1, and not ,");
        refused("[{} {}]", "expected , or ] after message 1");
        refused("[{}] {}", "something follows the array of 1 messages");
        refused("[{}, \"" + "x".repeat(1000) + "\"]", "message 2 has more than 1000 bytes");
        refused("1".repeat(1001), "message 1 has more than 1000 bytes");
    }

    @Test
    void itDoesNotMatterHowTheBytesCome() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 2000; i++) {
            ArrayNode all = JsonNodeFactory.instance.arrayNode();
            int count = random.nextInt(4);
            for (int j = 0; j < count; j++) {
                all.add(value(random, 3));
            }
            int piece = 1 + random.nextInt(20);
            List<String> expected = new ArrayList<>();
            StringBuilder lines = new StringBuilder();
            for (JsonNode each : all) {
                expected.add(each.toString());
                lines.append(each).append(random.nextBoolean() ? "\n" : " \r\n\n");
            }
            assertThat(cut(all.toString(), false, piece)).as("seed " + seed).isEqualTo(expected);
            assertThat(cut(lines.toString(), true, piece)).as("seed " + seed).isEqualTo(expected);
            List<String> pretty = new ArrayList<>();
            for (String each : cut(all.toPrettyString(), false, piece)) {
                pretty.add(JSON.readTree(each).toString());
            }
            assertThat(pretty).as("seed " + seed).isEqualTo(expected);
        }
    }

    private static JsonNode value(Random random, int depth) {
        return switch (random.nextInt(depth == 0 ? 3 : 5)) {
            case 0 -> JsonNodeFactory.instance.numberNode(random.nextInt());
            case 1 -> JsonNodeFactory.instance.booleanNode(random.nextBoolean());
            case 2 -> {
                StringBuilder text = new StringBuilder();
                random.ints(random.nextInt(5), 0, WORDS.length).forEach(at -> text.appendCodePoint(WORDS[at]));
                yield JsonNodeFactory.instance.textNode(text.toString());
            }
            case 3 ->
                JsonNodeFactory.instance
                        .arrayNode()
                        .add(value(random, depth - 1))
                        .add(value(random, depth - 1));
            default ->
                JsonNodeFactory.instance
                        .objectNode()
                        .<com.fasterxml.jackson.databind.node.ObjectNode>set("a\"]", value(random, depth - 1))
                        .set("b", value(random, depth - 1));
        };
    }
}
