package dev.coppice.store.engine;

import com.google.protobuf.CodedOutputStream;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.WatchResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An event as watches share it: the pair before it is looked up once, by the first watch that wants it, and its bytes are made
 * once for all streams.
 */
final class Recorded {

    /** Larger events are encoded for each stream, so that what is kept for recent revisions is not twice as large. */
    private static final int KEPT_BYTES = 2048;

    /** Everything that one revision did. */
    record Revision(long number, List<Recorded> events, long bytes) {

        static Revision of(long number, List<Event> events) {
            long bytes = 64;
            for (Event event : events) {
                int size = event.getSerializedSize();
                bytes += 128 + size + (size <= KEPT_BYTES ? size : 0);
            }
            return new Revision(number, events.stream().map(Recorded::new).toList(), bytes);
        }
    }

    private final Event event;
    private volatile @Nullable Event withPrevious;
    private volatile byte @Nullable [] bytes;

    Recorded(Event event) {
        this.event = event;
    }

    Event event() {
        return event;
    }

    /** @param previous whether with the pair before it, which {@link #findPrevious} has found */
    Event event(boolean previous) {
        Event known = withPrevious;
        return previous && known != null ? known : event;
    }

    /** Its bytes as a field of a response. */
    byte[] encoded(boolean previous) {
        if (previous) {
            return encode(event(true));
        }
        byte[] known = bytes;
        if (known == null) {
            known = encode(event);
            if (event.getSerializedSize() <= KEPT_BYTES) {
                bytes = known;
            }
        }
        return known;
    }

    private static byte[] encode(Event event) {
        byte[] encoded = new byte[CodedOutputStream.computeMessageSize(WatchResponse.EVENTS_FIELD_NUMBER, event)];
        try {
            CodedOutputStream.newInstance(encoded).writeMessage(WatchResponse.EVENTS_FIELD_NUMBER, event);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return encoded;
    }

    long revision() {
        return event.getKv().getModRevision();
    }

    /**
     * Looks up the pair before it.
     *
     * @param compacted what was before this revision is not told, whether or not it was removed already
     */
    void findPrevious(Source source, int space, long compacted) {
        if (withPrevious != null) {
            return;
        }
        Version version =
                event.getType() == Event.EventType.PUT && event.getKv().getVersion() == 1 || revision() - 1 < compacted
                        ? null
                        : Ranges.before(source, space, event.getKv().getKey(), revision());
        KeyValue pair = version == null ? null : source.pair(space, version);
        withPrevious = pair == null ? event : event.toBuilder().setPrevKv(pair).build();
    }
}
