package dev.coppice.coordination.contention;

import com.google.protobuf.ByteString;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.coordination.ContenderKey;
import java.time.Instant;
import java.util.List;

/** Puts contenders into entries as a store would tell of them. */
public final class Standings {
    private final Entries entries = new Entries();
    private long revision = 1;

    public Instant now = Instant.parse("2026-01-01T00:00:00Z");

    List<Entries.Wait> apply(Event event) {
        return entries.apply(List.of(event), now);
    }

    /** Somebody comes; the key. */
    public ByteString come(String raw, long lease, String value) {
        ByteString key = ContenderKey.of(ByteString.copyFromUtf8(raw), lease);
        var _ = apply(
                Event.newBuilder().setKv(pair(key, lease, value, ++revision)).build());
        return key;
    }

    static KeyValue pair(ByteString key, long lease, String value, long revision) {
        return KeyValue.newBuilder()
                .setKey(key)
                .setLease(lease)
                .setValue(ByteString.copyFromUtf8(value))
                .setCreateRevision(revision)
                .setModRevision(revision)
                .build();
    }

    List<Entries.Wait> go(ByteString key) {
        revision++;
        return apply(Event.newBuilder()
                .setType(Event.EventType.DELETE)
                .setKv(KeyValue.newBuilder().setKey(key))
                .build());
    }

    Entries entries() {
        return entries;
    }

    public Contention picture() {
        return entries.picture(revision, true);
    }
}
