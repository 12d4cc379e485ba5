package dev.coppice.store.engine;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * Lets the watches of a session that lag read on from the ring or the disk, many revisions at once, until the hub can hand them
 * what is new. Used by the thread that delivers.
 */
final class WatchCatchUp {

    private static final int REVISIONS = 1024;

    private final Space space;
    private final WatchHub hub;
    private final WatchTeller teller;
    private final Collection<WatchGroup> groups;
    private final Consumer<Watcher> compactedAway;
    private boolean nearest;

    /**
     * @param groups of the session, as they are now
     * @param compactedAway takes a watch that was told that what it needs was compacted
     */
    WatchCatchUp(Space space, WatchTeller teller, Collection<WatchGroup> groups, Consumer<Watcher> compactedAway) {
        this.space = space;
        this.hub = space.hub();
        this.teller = teller;
        this.groups = groups;
        this.compactedAway = compactedAway;
    }

    /** Reads some revisions for watches that lag; true when there were such watches. */
    boolean round() throws Exception {
        List<WatchGroup> lagging = lagging();
        if (lagging.isEmpty()) {
            return false;
        }
        hub.sync(lagging);
        endCompacted(lagging);
        lagging = lagging();
        if (lagging.isEmpty()) {
            return true;
        }
        // By turns those who are nearest and those who are furthest behind, so that neither wait for the others.
        nearest = !nearest;
        long head = hub.head();
        OptionalLong first = lagging.stream()
                .flatMap(group -> group.lagging.stream())
                .mapToLong(watcher -> watcher.next)
                .filter(next -> next <= head)
                .reduce(nearest ? Math::max : Math::min);
        if (first.isEmpty()) {
            // They were told everything, but what waits for their groups has to be taken before they are synced.
            return false;
        }
        long from = first.getAsLong();
        WatchHub.Part part = hub.recent(from, REVISIONS, WatchBacklog.GROUP_BYTES);
        if (part == null) {
            part = read(from);
            endCompacted(lagging);
        }
        for (WatchGroup group : lagging) {
            tell(group, from, part);
        }
        return true;
    }

    /** The groups with watches that were not told everything. */
    List<WatchGroup> lagging() {
        List<WatchGroup> lagging = new ArrayList<>();
        for (WatchGroup each : groups) {
            if (!each.lagging.isEmpty()) {
                lagging.add(each);
            }
        }
        return lagging;
    }

    private WatchHub.Part read(long from) {
        // Everything up to here is in the state that is read.
        long head = hub.head();
        History.Part found =
                space.read(view -> History.read(view, space.number(), from, REVISIONS, WatchBacklog.GROUP_BYTES));
        long next =
                found.revisions().isEmpty() ? from : found.revisions().getLast().number() + 1;
        return new WatchHub.Part(found.revisions(), found.complete() ? Math.max(next, head + 1) : next);
    }

    private void tell(WatchGroup group, long from, WatchHub.Part part) throws Exception {
        List<Watcher> concerned =
                group.lagging.stream().filter(watcher -> watcher.next >= from).toList();
        if (concerned.isEmpty()) {
            return;
        }
        List<Recorded> events = new ArrayList<>();
        for (Recorded.Revision revision : part.revisions()) {
            for (Recorded recorded : revision.events()) {
                ByteString key = recorded.event().getKv().getKey();
                if (group.shape.contains(key) && group.shape.wants(recorded.event())) {
                    events.add(recorded);
                }
            }
        }
        if (!events.isEmpty()) {
            // What happened before is told as of now.
            teller.tell(
                    group.shape, concerned, events, Math.max(events.getLast().revision(), space.revision()));
        }
        for (Watcher each : concerned) {
            each.next = Math.max(each.next, part.next());
        }
    }

    private void endCompacted(List<WatchGroup> lagging) throws Exception {
        long compacted = space.compacted();
        for (WatchGroup group : lagging) {
            for (Watcher each : List.copyOf(group.lagging)) {
                if (each.next < compacted) {
                    teller.send(WatchBody.compacted(space.header(0), compacted), each);
                    compactedAway.accept(each);
                }
            }
        }
    }
}
