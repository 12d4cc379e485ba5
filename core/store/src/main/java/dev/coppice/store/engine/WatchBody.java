package dev.coppice.store.engine;

import com.google.protobuf.CodedOutputStream;
import dev.coppice.store.api.ResponseHeader;
import dev.coppice.store.api.WatchResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one watch or several are told: a response without the watch's identifier. As bytes it is made once for all of them, from
 * events that were made once for all sessions. Used by one thread at a time.
 */
public final class WatchBody {

    private static final int ID_TAG_BYTES = CodedOutputStream.computeTagSize(WatchResponse.WATCH_ID_FIELD_NUMBER);

    private final WatchResponse frame;
    private final List<Recorded> events;
    private final boolean previous;
    private byte @Nullable [] head;
    private byte @Nullable [] tail;

    /** @param frame everything but watch and events */
    private WatchBody(WatchResponse frame, List<Recorded> events, boolean previous) {
        this.frame = frame;
        this.events = events;
        this.previous = previous;
    }

    static WatchBody created(ResponseHeader header) {
        return note(
                WatchResponse.newBuilder().setHeader(header).setCreated(true).build());
    }

    static WatchBody progress(ResponseHeader header) {
        return note(WatchResponse.newBuilder().setHeader(header).build());
    }

    static WatchBody compacted(ResponseHeader header, long compactRevision) {
        return note(WatchResponse.newBuilder()
                .setHeader(header)
                .setCanceled(true)
                .setCompactRevision(compactRevision)
                .build());
    }

    /** A response without events; its watch is not looked at. */
    public static WatchBody note(WatchResponse response) {
        return new WatchBody(response, List.of(), false);
    }

    /** @param fragment whether more of the same follows */
    static WatchBody events(ResponseHeader header, List<Recorded> events, boolean previous, boolean fragment) {
        return new WatchBody(
                WatchResponse.newBuilder()
                        .setHeader(header)
                        .setFragment(fragment)
                        .build(),
                events,
                previous);
    }

    /** The response to one watch. */
    public WatchResponse response(long watch) {
        WatchResponse.Builder response = frame.toBuilder().setWatchId(watch);
        for (Recorded each : events) {
            response.addEvents(each.event(previous));
        }
        return response.build();
    }

    // ---- as bytes

    /** The bytes of the response to one watch. */
    public int size(long watch) {
        encode();
        return length(head)
                + (watch == 0 ? 0 : ID_TAG_BYTES + CodedOutputStream.computeInt64SizeNoTag(watch))
                + length(tail);
    }

    /** Writes the response to one watch, with its fields in their order. */
    public void write(long watch, OutputStream out) throws IOException {
        encode();
        write(head, out);
        if (watch != 0) {
            byte[] id = new byte[ID_TAG_BYTES + CodedOutputStream.computeInt64SizeNoTag(watch)];
            CodedOutputStream.newInstance(id).writeInt64(WatchResponse.WATCH_ID_FIELD_NUMBER, watch);
            out.write(id);
        }
        write(tail, out);
    }

    private static int length(byte @Nullable [] bytes) {
        return bytes == null ? 0 : bytes.length;
    }

    private static void write(byte @Nullable [] bytes, OutputStream out) throws IOException {
        if (bytes != null) {
            out.write(bytes);
        }
    }

    private void encode() {
        if (head != null) {
            return;
        }
        head = frame.hasHeader()
                ? WatchResponse.newBuilder()
                        .setHeader(frame.getHeader())
                        .build()
                        .toByteArray()
                : new byte[0];
        WatchResponse flags = frame.toBuilder().clearHeader().clearWatchId().build();
        List<byte[]> parts = events.stream().map(each -> each.encoded(previous)).toList();
        int size = flags.getSerializedSize()
                + parts.stream().mapToInt(part -> part.length).sum();
        byte[] bytes = new byte[size];
        try {
            CodedOutputStream out = CodedOutputStream.newInstance(bytes);
            flags.writeTo(out);
            for (byte[] part : parts) {
                out.writeRawBytes(part);
            }
            out.checkNoSpaceLeft();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        tail = bytes;
    }
}
