package dev.coppice.bench.store;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import dev.coppice.kernel.Clock;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchRequest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Selector;
import java.util.ArrayList;
import java.util.List;

/**
 * Many watches of one key, and one writer that puts it again as soon as the last put is answered. Counts what arrives: every
 * watch has to see every put, once and in order.
 */
final class WatchLoad implements AutoCloseable {

    private static final String WATCH = "/etcdserverpb.Watch/Watch";
    private static final ByteString KEY = ByteString.copyFromUtf8("watched/one");
    private static final int EVENTS_FIELD = 11;
    private static final int WATCH_ID_FIELD = 2;
    private static final int KV_FIELD = 2;
    private static final int MOD_REVISION_FIELD = 3;

    private final Clock clock;
    private final Selector selector;
    private final List<LeanConnection> connections = new ArrayList<>();
    private final List<WatchStream> streams = new ArrayList<>();
    private final LeanConnection writing;
    private final int watches;
    private long created;
    private long events;
    private long responses;

    /** @param perStream watches that share a stream, as those of one client do */
    WatchLoad(Clock clock, List<Integer> ports, int watches, int perStream) throws IOException {
        this.clock = clock;
        this.watches = watches;
        this.selector = Selector.open();
        this.writing = new LeanConnection(ports.getFirst(), selector);
        connections.add(writing);
        for (int begin = 0; begin < watches; begin += perStream) {
            LeanConnection connection = new LeanConnection(ports.get(streams.size() % ports.size()), selector);
            connections.add(connection);
            WatchStream stream = new WatchStream(perStream);
            streams.add(stream);
            int id = connection.open(WATCH, stream);
            byte[] request = WatchRequest.newBuilder()
                    .setCreateRequest(WatchCreateRequest.newBuilder().setKey(KEY))
                    .build()
                    .toByteArray();
            for (int i = 0; i < perStream; i++) {
                connection.send(id, request, false);
            }
            connection.flush();
        }
        while (created < watches) {
            LeanConnection.turn(selector);
        }
    }

    /** Responses that carried events so far. */
    long responses() {
        return responses;
    }

    /** How fast events came, from the first put until the last watch had the last event. */
    double run(int puts) throws IOException {
        long goal = events + (long) puts * watches;
        long begin = clock.nanoTime();
        new Writer(puts).send();
        writing.flush();
        while (events < goal) {
            LeanConnection.turn(selector);
        }
        double seconds = (clock.nanoTime() - begin) / 1e9;
        if (events > goal) {
            throw new IllegalStateException("events came twice");
        }
        return (double) puts * watches / seconds;
    }

    private final class Writer implements LeanConnection.Call {
        private int left;

        Writer(int puts) {
            this.left = puts;
        }

        void send() {
            if (left-- > 0) {
                writing.call(
                        Load.PUT,
                        PutRequest.newBuilder()
                                .setKey(KEY)
                                .setValue(Load.VALUE.substring(0, 64))
                                .build()
                                .toByteArray(),
                        this);
            }
        }

        @Override
        public void message(ByteBuffer message) {}

        @Override
        public void ended(boolean failed) {
            if (failed) {
                throw new IllegalStateException("a put failed");
            }
            send();
        }
    }

    /** Counts the events of a stream, and that each watch gets them in order. */
    private final class WatchStream implements LeanConnection.Call {
        private final long[] last;

        WatchStream(int size) {
            last = new long[size];
        }

        @Override
        public void message(ByteBuffer message) {
            try {
                CodedInputStream in = CodedInputStream.newInstance(message);
                long id = 0;
                boolean any = false;
                for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
                    switch (WireFormat.getTagFieldNumber(tag)) {
                        case WATCH_ID_FIELD -> id = in.readInt64();
                        case EVENTS_FIELD -> {
                            any = true;
                            event((int) id, in);
                        }
                        default -> in.skipField(tag);
                    }
                }
                if (any) {
                    responses++;
                } else {
                    created++;
                }
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }

        private void event(int id, CodedInputStream in) throws IOException {
            long revision = 0;
            int end = in.pushLimit(in.readRawVarint32());
            for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
                if (WireFormat.getTagFieldNumber(tag) != KV_FIELD) {
                    in.skipField(tag);
                    continue;
                }
                int inner = in.pushLimit(in.readRawVarint32());
                for (int field = in.readTag(); field != 0; field = in.readTag()) {
                    if (WireFormat.getTagFieldNumber(field) == MOD_REVISION_FIELD) {
                        revision = in.readInt64();
                    } else {
                        in.skipField(field);
                    }
                }
                in.popLimit(inner);
            }
            in.popLimit(end);
            if (revision <= last[id]) {
                throw new IllegalStateException("watch " + id + " saw " + revision + " after " + last[id]);
            }
            last[id] = revision;
            events++;
        }

        @Override
        public void ended(boolean failed) {
            throw new IllegalStateException("the stream of watches ended");
        }
    }

    @Override
    public void close() throws IOException {
        for (LeanConnection each : connections) {
            each.close();
        }
        selector.close();
    }
}
