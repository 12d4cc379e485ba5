package dev.coppice.control.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.coppice.control.runtime.testing.FakeResourceClient;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SimulatedClock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConditionTest {

    private static final Instant T1 = Instant.parse("2026-01-01T00:00:00.5Z");
    private static final Instant T2 = Instant.parse("2026-01-02T00:00:00Z");

    @Test
    void theTransitionTimeChangesWithTheStatusOnly() {
        List<Condition> one = Condition.set(null, Condition.of("Ready", false, "Starting", "wait"), T1);
        assertThat(one.getFirst().lastTransitionTime()).isEqualTo(Instant.parse("2026-01-01T00:00:00Z"));
        List<Condition> two =
                Condition.set(one, Condition.of("Ready", false, "Failing", "oh").withGeneration(2), T2);
        assertThat(two.getFirst().lastTransitionTime()).isEqualTo(one.getFirst().lastTransitionTime());
        assertThat(two.getFirst().reason()).isEqualTo("Failing");
        assertThat(two.getFirst().observedGeneration()).isEqualTo(2);
        List<Condition> three = Condition.set(two, Condition.of("Ready", true, "Fine", ""), T2);
        assertThat(three.getFirst().lastTransitionTime()).isEqualTo(T2);
        List<Condition> four = Condition.set(three, Condition.unknown("Other", "New", ""), T2);
        assertThat(four).extracting(Condition::type).containsExactly("Ready", "Other");
        assertThat(Condition.find(four, "Other")).isPresent();
        assertThat(Condition.find(null, "Other")).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            delimiter = '|',
            value = {
                "{} | {} | {}",
                "{'a':1} | {'a':1} | {}",
                "{'a':1} | {'a':2} | {'a':2}",
                "{'a':1,'b':2} | {'a':1} | {'b':null}",
                "{'a':{'x':1,'y':2}} | {'a':{'x':1,'y':3}} | {'a':{'y':3}}",
                "{'a':[1,2]} | {'a':[1,3]} | {'a':[1,3]}",
                "{'a':1} | {'a':1,'n':null} | {}",
                "{'a':{'x':1}} | {'a':7} | {'a':7}",
                "{'a':[{'t':'x'}]} | {'a':[{'t':'x','n':null}]} | {}",
            })
    void statusesAreWrittenAsDifferences(String before, String after, String patch) throws Exception {
        ObjectMapper json = new ObjectMapper();
        assertThat(StatusWriter.difference(
                        json.readTree(before.replace('\'', '"')), json.readTree(after.replace('\'', '"'))))
                .isEqualTo(json.readTree(patch.replace('\'', '"')));
    }

    @Test
    void eventFloodsAreKeptOut() {
        SimulatedClock clock = new SimulatedClock();
        try (Kernel kernel = Kernel.start(clock, 1)) {
            FakeResourceClient client = new FakeResourceClient(clock);
            EventRecorder events = new EventRecorder(kernel, client);
            for (int i = 0; i < 100; i++) {
                events.record(Widgets.widget("a", "red"), "Warning", "Broken", "problem " + i);
            }
            assertThat(client.events()).hasSize(25);
            assertThat(client.events())
                    .filteredOn(e -> e.contains("combined from similar events"))
                    .hasSize(15);
            clock.advance(Duration.ofMinutes(6));
            events.record(Widgets.widget("a", "red"), "Warning", "Other", "x");
            events.record(Widgets.widget("a", "red"), "Warning", "Other", "y");
            assertThat(client.events()).hasSize(26);
            client.fail(_ -> java.util.Optional.of(FakeResourceClient.error(500, "InternalError", "no")));
            events.record(Widgets.widget("b", "red"), "Normal", "Fine", "never throws");
        }
    }

    @Test
    void finalizersComeAndGo() {
        FakeResourceClient client = new FakeResourceClient(new SimulatedClock());
        var made = client.create(Widgets.KIND.type(), Widgets.widget("a", "red"));
        var held = Finalizers.add(client, Widgets.KIND.type(), made, "test.dev/hold");
        assertThat(Finalizers.has(held, "test.dev/hold")).isTrue();
        client.delete(Widgets.KIND.type(), "ns", "a");
        var deleting = client.get(Widgets.KIND.type(), "ns", "a").orElseThrow();
        Finalizers.remove(client, Widgets.KIND.type(), deleting, "test.dev/hold");
        assertThat(client.get(Widgets.KIND.type(), "ns", "a")).isEmpty();
    }
}
