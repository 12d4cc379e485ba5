package dev.coppice.control.history;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DifferenceTest {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    @Test
    void leadsFromOneStateToTheOtherAndBackAlsoAfterItWasKept() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int round = 0; round < 2_000; round++) {
            ObjectNode before = object(random, 0);
            ObjectNode after = random.nextBoolean() ? object(random, 0) : changed(random, before);
            Difference made = Difference.between(before, after);
            Difference kept = Difference.of(made.tree());
            String what = "seed " + seed + ", round " + round + ": " + before + " to " + after;
            assertThat(kept).as(what).isEqualTo(made);
            assertThat(kept.applied(before)).as(what).isEqualTo(after);
            assertThat(kept.reversed().applied(after)).as(what).isEqualTo(before);
            assertThat(made.fields().isEmpty()).as(what).isEqualTo(before.equals(after));
        }
    }

    @Test
    void namesFieldsAsPeopleWriteThem() {
        ObjectNode before =
                Json.parse("{\"spec\":{\"ports\":[{\"port\":1}]},\"metadata\":{\"labels\":{\"a.b/c\":\"1\"}}}");
        ObjectNode after = Json.parse("{\"spec\":{\"ports\":[{\"port\":2}]},\"metadata\":{\"labels\":{}}}");
        assertThat(Difference.between(before, after).fields())
                .extracting(Difference.Field::shown)
                .containsExactlyInAnyOrder("spec.ports[0].port", "metadata.labels[\"a.b/c\"]");
    }

    @Test
    void refusesAStateThatItWasNotMadeOf() {
        Difference difference =
                Difference.between(Json.parse("{\"a\":[{\"b\":1}]}"), Json.parse("{\"a\":[{\"b\":2}]}"));
        assertThatThrownBy(() -> difference.applied(Json.parse("{\"a\":[]}")))
                .isInstanceOf(IllegalStateException.class);
    }

    private static ObjectNode object(Random random, int depth) {
        ObjectNode object = NODES.objectNode();
        for (int i = random.nextInt(4); i > 0; i--) {
            object.set("f" + random.nextInt(5), value(random, depth + 1));
        }
        return object;
    }

    private static JsonNode value(Random random, int depth) {
        return switch (random.nextInt(depth > 3 ? 4 : 6)) {
            case 0 -> NODES.numberNode(random.nextInt(3));
            case 1 -> NODES.textNode("t" + random.nextInt(3));
            case 2 -> NODES.booleanNode(random.nextBoolean());
            case 3 -> NODES.nullNode();
            case 4 -> object(random, depth);
            default -> {
                ArrayNode list = NODES.arrayNode();
                for (int i = random.nextInt(4); i > 0; i--) {
                    list.add(value(random, depth + 1));
                }
                yield list;
            }
        };
    }

    private static ObjectNode changed(Random random, ObjectNode before) {
        ObjectNode after = before.deepCopy();
        after.set("f" + random.nextInt(5), value(random, 1));
        return after;
    }
}
