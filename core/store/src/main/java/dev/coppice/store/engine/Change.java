package dev.coppice.store.engine;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.coppice.store.api.KeyValue;
import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * What one revision did to one key, as it lies in the family of revisions.
 *
 * @param deletion whether it deleted the key
 * @param pair the pair after a put; of a deletion just key and revision
 */
record Change(boolean deletion, KeyValue pair) {

    byte[] encode() {
        byte[] out = new byte[1 + pair.getSerializedSize()];
        out[0] = (byte) (deletion ? 1 : 0);
        try {
            pair.writeTo(CodedOutputStream.newInstance(out, 1, out.length - 1));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out;
    }

    static Change decode(byte[] bytes) {
        try {
            return new Change(bytes[0] == 1, KeyValue.parser().parseFrom(bytes, 1, bytes.length - 1));
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException("a stored change cannot be read: the data directory is damaged", e);
        }
    }

    /** The bytes that a change counts for in the size of its keyspace. */
    static long size(ByteString key, ByteString value) {
        return 150 + 3L * key.size() + value.size();
    }
}
