package dev.coppice.gateway.share;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Who owns a key. */
class MembersTest {
    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);

    @Test
    void allNodesAgreeAndEachHasItsPart() {
        List<String> names = List.of("a", "b", "c", "d", "e");
        List<Members> all = names.stream()
                .map(each -> new Members(each, names, SimulatedSharing.SECRET))
                .toList();
        Map<String, Integer> owned = new HashMap<>();
        for (int i = 0; i < 50_000; i++) {
            long key = random.nextLong();
            List<String> owners = all.stream()
                    .map(each -> each.name(each.owner(key)))
                    .distinct()
                    .toList();
            assertThat(owners).as("seed %d", seed).hasSize(1);
            owned.merge(owners.getFirst(), 1, Integer::sum);
        }
        assertThat(owned.values()).as("seed %d", seed).hasSize(5).allMatch(each -> each > 9_000 && each < 11_000);
    }

    @Test
    void keysMoveOnlyToAndFromTheOneThatComesOrGoes() {
        List<String> names = new ArrayList<>(List.of("a", "b", "c", "d"));
        Members before = new Members("a", names, SimulatedSharing.SECRET);
        names.remove("c");
        Members after = new Members("a", names, SimulatedSharing.SECRET);
        for (int i = 0; i < 10_000; i++) {
            long key = random.nextLong();
            String owner = before.name(before.owner(key));
            if (!owner.equals("c")) {
                assertThat(after.name(after.owner(key))).as("seed %d", seed).isEqualTo(owner);
            }
        }
    }

    @Test
    void oneThatIsAloneOwnsAll() {
        Members alone = new Members("a", List.of(), SimulatedSharing.SECRET);
        assertThat(alone.size()).isOne();
        assertThat(alone.owner(random.nextLong())).isEqualTo(alone.self());
    }
}
