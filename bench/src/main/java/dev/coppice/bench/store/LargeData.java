package dev.coppice.bench.store;

import com.google.protobuf.ByteString;
import dev.coppice.kernel.Clock;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * Far more values than the heap could hold: puts keys of 64 KiB that cannot be compressed, stops the store, and looks how long the
 * next one takes until it serves, and what memory it has after reads all over them.
 */
final class LargeData {

    private static final int VALUE_BYTES = 64 << 10;
    private static final int IN_FLIGHT = 32;
    private static final int MOST_FAILURES = 1000;
    private static final int READS = 20_000;

    private final Clock clock;
    private final ClosedLoop loop;
    private final Path folder;
    private final List<String> options;
    private int failures;
    private final byte[] noise = new byte[VALUE_BYTES + (1 << 20)];

    LargeData(Clock clock, Path folder, List<String> options) {
        this.clock = clock;
        this.loop = new ClosedLoop(clock);
        this.folder = folder;
        this.options = options;
        new Random(1).nextBytes(noise);
    }

    void run(int gib) throws Exception {
        int keys = Math.toIntExact(((long) gib << 30) / VALUE_BYTES);
        long filled;
        try (Servers store = Servers.coppice(folder, 1, options)) {
            filled = loop.run(store.ports(), 3, IN_FLIGHT, 7200, place -> new Puts(place, keys))
                    .calls();
            line("large-resident", "MiB resident after the puts", store.residentBytes() >> 20);
            line("large-disk", "MiB on disk", store.diskBytes() >> 20);
            store.stop();
            long begin = clock.nanoTime();
            try (Servers again = Servers.coppice(folder, 1, options)) {
                line(
                        "large-start",
                        "ms from the start of the JVM until it serves",
                        (clock.nanoTime() - begin) / 1_000_000);
                ClosedLoop.Done read = loop.run(again.ports(), 3, IN_FLIGHT, 600, place -> new Reads(place, keys));
                line("large-reads", "reads of 64 KiB a second, all over the keys", (long) read.perSecond());
                line("large-resident-reads", "MiB resident after the reads", again.residentBytes() >> 20);
            }
        }
        line("large-keys", "keys put", filled - failures);
        line("large-failures", "puts that were tried again", failures);
    }

    private static void line(String name, String unit, long value) {
        System.out.printf(Locale.ROOT, "{\"name\":\"store-%s\",\"unit\":\"%s\",\"coppice\":%d}%n", name, unit, value);
    }

    private static ByteString key(int number) {
        return ByteString.copyFromUtf8("large/" + number);
    }

    private ByteString value(int number) {
        return ByteString.copyFrom(noise, (int) (number * 7919L % (1 << 20)), VALUE_BYTES);
    }

    private final class Puts implements Load {
        private final int keys;
        private int number;

        Puts(int place, int keys) {
            this.number = place;
            this.keys = keys;
        }

        @Override
        public String path() {
            return PUT;
        }

        @Override
        public byte @Nullable [] next() {
            if (number >= keys) {
                return null;
            }
            byte[] request = PutRequest.newBuilder()
                    .setKey(key(number))
                    .setValue(value(number))
                    .build()
                    .toByteArray();
            number += IN_FLIGHT;
            return request;
        }

        /** On a disk that has more to do than it can, a put may time out: then it is tried again. */
        @Override
        public boolean failed() {
            number -= IN_FLIGHT;
            return ++failures < MOST_FAILURES;
        }
    }

    /** Reads keys all over the range, and checks their values. */
    private final class Reads implements Load {
        private final int keys;
        private int left = READS / IN_FLIGHT;
        private int number;

        Reads(int place, int keys) {
            this.number = place;
            this.keys = keys;
        }

        @Override
        public String path() {
            return RANGE;
        }

        @Override
        public byte @Nullable [] next() {
            if (left-- == 0) {
                return null;
            }
            number = (int) ((number + 7_368_787L) % keys);
            return RangeRequest.newBuilder().setKey(key(number)).build().toByteArray();
        }

        @Override
        public void answered(ByteBuffer message) {
            try {
                RangeResponse response = RangeResponse.parseFrom(message);
                if (response.getKvsCount() != 1
                        || !response.getKvs(0).getValue().equals(value(number))) {
                    throw new IllegalStateException("key " + number + " is not what was put");
                }
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
