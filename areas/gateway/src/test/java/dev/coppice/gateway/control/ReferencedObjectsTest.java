package dev.coppice.gateway.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Key;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.runtime.testing.FakeResourceClient;
import dev.coppice.kernel.SimulatedClock;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What is referred to is as it is, or was when the API answered last; while it is away nobody is woken to ask again at once. */
class ReferencedObjectsTest {
    private static final ResourceType TYPE = new ResourceType("", "v1", "configmaps");
    private static final ApiException AWAY = FakeResourceClient.error(503, "ServiceUnavailable", "away");

    private final FakeResourceClient api = new FakeResourceClient(new SimulatedClock());
    private int changed;
    private int later;
    private final ReferencedObjects objects = new ReferencedObjects(api, TYPE, () -> changed++, () -> later++);

    private void write(String name, String value) {
        ObjectNode made = JsonNodeFactory.instance.objectNode();
        made.put("apiVersion", "v1").put("kind", "ConfigMap");
        made.putObject("metadata").put("namespace", "default").put("name", name);
        made.putObject("data").put("k", value);
        ObjectNode _ = api.apply(TYPE, made, "test", true);
    }

    /** In a round of its own. */
    private String value(String... names) {
        objects.begin();
        StringBuilder all = new StringBuilder();
        for (String each : names) {
            all.append(objects.get(new Key("default", each))
                    .map(found -> found.at("/data/k").asText())
                    .orElse("-"));
        }
        objects.end();
        return all.toString();
    }

    @Test
    void aChangeIsTold() {
        assertThat(value("a")).isEqualTo("-");
        write("a", "1");
        assertThat(changed).isEqualTo(1);
        assertThat(value("a")).isEqualTo("1");
        write("a", "2");
        write("a", "3");
        assertThat(changed).as("once until it is asked for").isEqualTo(2);
        assertThat(value("a")).isEqualTo("3");
    }

    @Test
    void whileTheApiIsAwayTheyAreAsTheyWereAndItIsTriedLater() {
        write("a", "1");
        write("b", "2");
        assertThat(value("a", "b")).isEqualTo("12");
        api.fail(_ -> Optional.of(AWAY));
        api.closeWatches(AWAY);
        int calls = api.calls().size();
        for (int i = 0; i < 3; i++) {
            assertThat(value("a", "b")).isEqualTo("12");
        }
        assertThat(api.calls()).as("one question in a round").hasSize(calls + 3);
        assertThat(changed).isZero();
        assertThat(later).isPositive();
        api.fail(_ -> Optional.empty());
        write("b", "3");
        assertThat(value("a", "b")).isEqualTo("13");
        write("a", "4");
        assertThat(changed).as("it is watched again").isEqualTo(1);
    }

    @Test
    void whatWasNeverKnownFailsTheRoundAndWakesNobody() {
        api.fail(_ -> Optional.of(AWAY));
        assertThatThrownBy(() -> value("a")).isSameAs(AWAY);
        assertThatThrownBy(() -> value("a")).isSameAs(AWAY);
        assertThat(changed).isZero();
        api.fail(_ -> Optional.empty());
        write("a", "1");
        assertThat(value("a")).isEqualTo("1");
    }

    @Test
    void aKindThatIsGoneHasNoneAndIsLookedForLater() {
        api.fail(_ -> Optional.of(FakeResourceClient.error(404, "NotFound", "no such kind")));
        assertThat(value("a")).isEqualTo("-");
        assertThat(changed).isZero();
        assertThat(later).isEqualTo(1);
    }

    @Test
    void whatMayNotBeReadAnyMoreIsNotServedFromMemory() {
        write("a", "1");
        assertThat(value("a")).isEqualTo("1");
        write("a", "2");
        api.fail(_ -> Optional.of(FakeResourceClient.error(403, "Forbidden", "no")));
        assertThatThrownBy(() -> value("a")).isInstanceOf(ApiException.class);
    }
}
