package dev.coppice.store.engine;

import dev.coppice.store.api.Event;
import java.util.ArrayList;
import java.util.List;
import org.rocksdb.RocksIterator;

/** Reads what happened from the disk, in order. */
final class History {
    private History() {}

    /**
     * Some whole revisions.
     *
     * @param complete whether there are no more
     */
    record Part(List<Recorded.Revision> revisions, boolean complete) {}

    /** Some whole revisions from {@code from} on; none when there are none. */
    static Part read(Source source, int space, long from, int maxRevisions, long maxBytes) {
        List<Recorded.Revision> revisions = new ArrayList<>();
        List<Event> events = new ArrayList<>();
        long current = -1;
        long bytes = 0;
        byte[] end = Codec.spaceEnd(space);
        try (RocksIterator iterator = source.iterate(Database.Family.REVISIONS)) {
            for (iterator.seek(Codec.revision(space, from, 0)); iterator.isValid(); iterator.next()) {
                byte[] at = iterator.key();
                if (Codec.compare(at, end) >= 0) {
                    break;
                }
                long revision = Codec.revisionOf(at);
                if (revision != current && !events.isEmpty()) {
                    revisions.add(Recorded.Revision.of(current, events));
                    events = new ArrayList<>();
                    if (revisions.size() >= maxRevisions || bytes >= maxBytes) {
                        return new Part(revisions, false);
                    }
                }
                current = revision;
                byte[] value = iterator.value();
                bytes += value.length;
                Change change = Change.decode(value);
                events.add(Event.newBuilder()
                        .setType(change.deletion() ? Event.EventType.DELETE : Event.EventType.PUT)
                        .setKv(change.pair())
                        .build());
            }
            Ranges.check(iterator);
        }
        if (!events.isEmpty()) {
            revisions.add(Recorded.Revision.of(current, events));
        }
        return new Part(revisions, true);
    }
}
