package dev.coppice.control.resource;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

final class RegistryTest {
    private final Registry registry = new Registry();

    private void change(String plural) {
        registry.put(
                plural,
                List.of(Definition.of("g", "v1", plural, "Kind" + plural).build()));
    }

    @Test
    void anObserverSeesEachChangeUntilItIsClosed() {
        List<Boolean> seen = new ArrayList<>();
        Registry.Observation observation =
                registry.observe(snapshot -> seen.add(snapshot.find("g", "v1", "locks") != null));
        change("locks");
        observation.close();
        change("keys");
        assertThat(seen).containsExactly(true);
    }

    @Test
    void anObserverThatIsAddedTwiceIsTakenAwayOnce() {
        List<Registry.Snapshot> seen = new ArrayList<>();
        Consumer<Registry.Snapshot> observer = seen::add;
        Registry.Observation first = registry.observe(observer);
        try (var _ = registry.observe(observer)) {
            first.close();
            first.close();
            change("locks");
            assertThat(seen).hasSize(1);
        }
    }
}
