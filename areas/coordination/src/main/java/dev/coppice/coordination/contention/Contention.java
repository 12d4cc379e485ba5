package dev.coppice.coordination.contention;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Who holds what and who waits for it, at one revision. Immutable.
 *
 * @param version grows with every change
 * @param ready whether everything that there was has been read
 * @param queues by name, in order
 * @param leftOut contenders that are not in it because there are too many
 */
public record Contention(long version, boolean ready, Map<String, Queue> queues, long leftOut) {
    public static final Contention EMPTY = new Contention(0, false, Map.of(), 0);

    public Optional<Queue> queue(String name) {
        return Optional.ofNullable(queues.get(name));
    }

    public List<Queue> elections() {
        return queues.values().stream()
                .filter(each -> each.sort() == Queue.Sort.ELECTION)
                .toList();
    }

    public List<Queue> locks() {
        return queues.values().stream()
                .filter(each -> each.sort() != Queue.Sort.ELECTION)
                .toList();
    }
}
