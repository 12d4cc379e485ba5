package dev.coppice.acceptance.fault;

import dev.coppice.store.api.Event;
import org.jspecify.annotations.Nullable;

/**
 * One change of one key, as a watch tells it.
 *
 * @param value null for a deletion
 * @param version how often the key was changed since its creation; 0 for a deletion
 */
record Change(long revision, String key, @Nullable String value, long createRevision, long version) {

    static Change of(Event event) {
        boolean put = event.getType() == Event.EventType.PUT;
        return new Change(
                event.getKv().getModRevision(),
                event.getKv().getKey().toStringUtf8(),
                put ? event.getKv().getValue().toStringUtf8() : null,
                event.getKv().getCreateRevision(),
                event.getKv().getVersion());
    }
}
