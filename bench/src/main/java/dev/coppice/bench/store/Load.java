package dev.coppice.bench.store;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import dev.coppice.store.api.Compare;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.TxnResponse;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What one place in flight asks for, again and again. Used by one thread.
 *
 * @see ClosedLoop
 */
interface Load {

    String PUT = "/etcdserverpb.KV/Put";
    String RANGE = "/etcdserverpb.KV/Range";
    String TXN = "/etcdserverpb.KV/Txn";

    /** Keys that puts and reads use. */
    int KEYS = 10_000;

    ByteString VALUE = ByteString.copyFrom(new byte[256]);

    String path();

    /** The next request; null when this place has no more. */
    byte @Nullable [] next();

    /** Looks at an answer, and throws when it is not what was asked for. */
    default void answered(ByteBuffer message) {}

    /** Whether a call that failed may be passed over; the next one is asked for then. */
    default boolean failed() {
        return false;
    }

    /** Makes the load of a place, by its number. */
    interface Kind {
        Load of(int place);
    }

    static ByteString key(int number) {
        return ByteString.copyFromUtf8("load/" + (int) ((number * 7919L & 0x7fffffff) % KEYS));
    }

    /** Puts of each of the keys, once, by so many places. */
    static Kind each(int places) {
        return place -> new Load() {
            private int number = place - places;

            @Override
            public String path() {
                return PUT;
            }

            @Override
            public byte @Nullable [] next() {
                number += places;
                return number < KEYS ? put(number) : null;
            }
        };
    }

    private static byte[] put(int number) {
        return PutRequest.newBuilder()
                .setKey(key(number))
                .setValue(VALUE)
                .build()
                .toByteArray();
    }

    /** Puts of 256 bytes to 10,000 keys. */
    static Load puts(int place) {
        return new Load() {
            private int number = place;

            @Override
            public String path() {
                return PUT;
            }

            @Override
            public byte[] next() {
                number += 31;
                return put(number);
            }
        };
    }

    /** Linearizable reads of one of these keys. */
    static Load reads(int place) {
        return new Load() {
            private int number = place;

            @Override
            public String path() {
                return RANGE;
            }

            @Override
            public byte[] next() {
                number += 31;
                return RangeRequest.newBuilder().setKey(key(number)).build().toByteArray();
            }

            @Override
            public void answered(ByteBuffer message) {
                if (message.remaining() < VALUE.size()) {
                    throw new IllegalStateException("a read found nothing");
                }
            }
        };
    }

    /** Compare-and-swap: puts a key when its last change is the one that this place made. */
    static Load swaps(int place) {
        return new Load() {
            private final ByteString key = ByteString.copyFromUtf8("swap/" + place);
            private long seen = -1;

            @Override
            public String path() {
                return TXN;
            }

            @Override
            public byte[] next() {
                TxnRequest.Builder request = TxnRequest.newBuilder()
                        .addSuccess(RequestOp.newBuilder()
                                .setRequestPut(
                                        PutRequest.newBuilder().setKey(key).setValue(VALUE)))
                        .addFailure(RequestOp.newBuilder()
                                .setRequestRange(RangeRequest.newBuilder().setKey(key)));
                if (seen >= 0) {
                    request.addCompare(Compare.newBuilder()
                            .setKey(key)
                            .setTarget(Compare.CompareTarget.MOD)
                            .setResult(Compare.CompareResult.EQUAL)
                            .setModRevision(seen));
                }
                return request.build().toByteArray();
            }

            @Override
            public void answered(ByteBuffer message) {
                try {
                    TxnResponse answer = TxnResponse.parseFrom(CodedInputStream.newInstance(message));
                    if (!answer.getSucceeded()) {
                        throw new IllegalStateException("nobody else changes " + key.toStringUtf8());
                    }
                    seen = answer.getHeader().getRevision();
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            }
        };
    }
}
