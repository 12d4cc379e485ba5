package dev.coppice.coordination.deadlock;

import dev.coppice.coordination.contention.Contender;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Activities that wait for each other and will for ever.
 *
 * @param id the same as long as it is the same
 * @param links a cycle in it: each waits for the next, and the last one for the first
 * @param members how many are in it altogether
 * @param victim whose leaving would resolve it
 * @param places of the victim that would be given up
 */
public record Deadlock(String id, List<Link> links, int members, Activity victim, List<Contender> places) {

    /**
     * An activity of the cycle and what it waits for.
     *
     * @param waits its place in the queue of what it waits for
     * @param blocked by this place of the next one
     */
    public record Link(Activity activity, Contender waits, Contender blocked) {}

    public Deadlock {
        links = List.copyOf(links);
        places = List.copyOf(places);
    }

    /** The locks and elections in the cycle, by name. */
    public Set<String> names() {
        return links.stream().map(link -> link.waits().shownName()).collect(Collectors.toCollection(TreeSet::new));
    }

    /** In words: {@code a waits for "y" held by b, b waits for "x" held by a}. */
    public String words() {
        StringBuilder words = new StringBuilder();
        for (int i = 0; i < links.size(); i++) {
            Link link = links.get(i);
            Activity next = links.get((i + 1) % links.size()).activity();
            words.append(i == 0 ? "" : ", ")
                    .append(link.activity().name())
                    .append(" waits for \"")
                    .append(link.waits().shownName())
                    .append("\" behind ")
                    .append(next.name());
        }
        return words.toString();
    }
}
