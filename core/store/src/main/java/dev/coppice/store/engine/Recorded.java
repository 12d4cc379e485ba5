package dev.coppice.store.engine;

import dev.coppice.store.api.Event;
import dev.coppice.store.api.KeyValue;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An event as watches share it: the pair before it is looked up once, by the first watch that wants it. */
final class Recorded {

    /** Everything that one revision did. */
    record Revision(long number, List<Recorded> events, long bytes) {

        static Revision of(long number, List<Event> events) {
            long bytes = 64;
            for (Event event : events) {
                bytes += 128 + event.getSerializedSize();
            }
            return new Revision(number, events.stream().map(Recorded::new).toList(), bytes);
        }
    }

    private final Event event;
    private volatile @Nullable Event withPrevious;

    Recorded(Event event) {
        this.event = event;
    }

    Event event() {
        return event;
    }

    long revision() {
        return event.getKv().getModRevision();
    }

    /** @param compacted what was before this revision is not told, whether or not it was removed already */
    Event withPrevious(Source source, int space, long compacted) {
        Event known = withPrevious;
        if (known != null) {
            return known;
        }
        Version version =
                event.getType() == Event.EventType.PUT && event.getKv().getVersion() == 1 || revision() - 1 < compacted
                        ? null
                        : Ranges.before(source, space, event.getKv().getKey(), revision());
        KeyValue pair = version == null ? null : source.pair(space, version);
        known = pair == null ? event : event.toBuilder().setPrevKv(pair).build();
        withPrevious = known;
        return known;
    }
}
