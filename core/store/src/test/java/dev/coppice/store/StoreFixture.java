package dev.coppice.store;

import com.google.protobuf.ByteString;
import dev.coppice.kernel.Clock;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A store in a directory, on a kernel of its own, with short words for what tests do. */
final class StoreFixture implements AutoCloseable {

    final Kernel kernel;
    final Store store;
    final Keyspace keyspace;

    StoreFixture(Path directory) throws StartException {
        this(directory, Clock.system(), 1L << 30);
    }

    StoreFixture(Path directory, Clock clock, long quotaBytes) throws StartException {
        this(directory, clock, quotaBytes, Disk.RESERVE_BYTES);
    }

    StoreFixture(Path directory, Clock clock, long quotaBytes, long reserveBytes) throws StartException {
        this(
                directory,
                clock,
                List.of(
                        new StoreOptions.KeyspaceOptions("control", 1L << 30),
                        new StoreOptions.KeyspaceOptions("etcd", quotaBytes)),
                reserveBytes);
    }

    StoreFixture(Path directory, Clock clock, List<StoreOptions.KeyspaceOptions> keyspaces) throws StartException {
        this(directory, clock, keyspaces, Disk.RESERVE_BYTES);
    }

    private StoreFixture(Path directory, Clock clock, List<StoreOptions.KeyspaceOptions> keyspaces, long reserveBytes)
            throws StartException {
        kernel = Kernel.start(clock, 1);
        StoreOptions defaults = StoreOptions.of(directory);
        store = Store.start(
                kernel,
                kernel.root(),
                new StoreOptions(directory, defaults.name(), defaults.peer(), keyspaces),
                new Disk(directory, reserveBytes));
        keyspace = store.keyspace("etcd");
    }

    /** A store on a kernel that somebody else made. */
    StoreFixture(Kernel kernel, Store store) {
        this.kernel = kernel;
        this.store = store;
        keyspace = store.keyspace("etcd");
    }

    static ByteString bytes(String text) {
        return ByteString.copyFromUtf8(text);
    }

    long put(String key, String value) {
        return keyspace.put(PutRequest.newBuilder()
                        .setKey(bytes(key))
                        .setValue(bytes(value))
                        .build())
                .getHeader()
                .getRevision();
    }

    @Nullable
    String get(String key) {
        List<KeyValue> found = keyspace.range(
                        RangeRequest.newBuilder().setKey(bytes(key)).build())
                .getKvsList();
        return found.isEmpty() ? null : found.getFirst().getValue().toStringUtf8();
    }

    /** What a watch tells, in order. */
    static final class Recorder implements WatchObserver {
        final LinkedBlockingQueue<WatchResponse> responses = new LinkedBlockingQueue<>();
        final LinkedBlockingQueue<String> ends = new LinkedBlockingQueue<>();

        @Override
        public void response(WatchResponse response) {
            responses.add(response);
        }

        @Override
        public void closed(@Nullable Throwable error) {
            ends.add(error == null ? "closed" : String.valueOf(error.getMessage()));
        }

        WatchResponse next() throws InterruptedException {
            WatchResponse response = responses.poll(10, TimeUnit.SECONDS);
            if (response == null) {
                throw new AssertionError("no response within 10 s");
            }
            return response;
        }

        List<Event> events(int number) throws InterruptedException {
            List<Event> events = new ArrayList<>();
            while (events.size() < number) {
                events.addAll(next().getEventsList());
            }
            return events;
        }
    }

    Recorder watch(WatchCreateRequest.Builder request) {
        Recorder recorder = new Recorder();
        Watch unused = keyspace.watch(request.build(), recorder);
        return recorder;
    }

    @Override
    public void close() {
        kernel.close();
    }
}
