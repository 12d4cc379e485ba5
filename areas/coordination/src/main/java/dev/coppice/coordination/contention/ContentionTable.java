package dev.coppice.coordination.contention;

import com.google.protobuf.ByteString;
import dev.coppice.kernel.Clock;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Task;
import dev.coppice.store.Keyspace;
import dev.coppice.store.StoreException;
import dev.coppice.store.Watch;
import dev.coppice.store.WatchObserver;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.LeaseLeasesRequest;
import dev.coppice.store.api.LeaseStatus;
import dev.coppice.store.api.LeaseTimeToLiveRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchResponse;
import dev.coppice.store.coordination.ContenderKey;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Who holds what and who waits for it, on every node: read once from the keys that are bound to leases, then kept by a watch
 * that is handed nothing but keys that end as contenders' do. Safe for use by many threads.
 */
public final class ContentionTable implements Task {
    private static final System.Logger LOG = System.getLogger(ContentionTable.class.getName());
    private static final Duration PAUSE = Duration.ofMillis(500);
    private static final ByteString FIRST = ByteString.copyFrom(new byte[] {0});

    private final Kernel kernel;
    private final Clock clock;
    private final Keyspace keyspace;
    private final TimesFile file;
    private final BiConsumer<Role, Duration> waited;

    // Guarded by this.
    private final Entries entries = new Entries();
    private Map<ByteString, Entries.Times> remembered;
    private long version;
    private boolean ready;
    private Contention picture = Contention.EMPTY;
    private long written;

    /**
     * A table, to be run as a task.
     *
     * @param file where times are kept
     * @param waited told of every wait that ended by a grant; does not block
     */
    public ContentionTable(Kernel kernel, Keyspace keyspace, Path file, BiConsumer<Role, Duration> waited) {
        this.kernel = kernel;
        this.clock = kernel.clock();
        this.keyspace = keyspace;
        this.file = new TimesFile(file);
        this.waited = waited;
        this.remembered = this.file.read();
    }

    /** How it is now. */
    public synchronized Contention now() {
        if (picture.version() != version) {
            picture = entries.picture(version, ready);
        }
        return picture;
    }

    public synchronized long version() {
        return version;
    }

    /** Keeps the times, when something changed. */
    public void keepTimes() throws IOException {
        Map<ByteString, Entries.Times> times;
        synchronized (this) {
            if (!ready || written == version) {
                return;
            }
            written = version;
            times = entries.times();
        }
        file.write(times);
    }

    /** Runs for ever. */
    @Override
    public void run() throws InterruptedException {
        while (true) {
            try {
                follow();
            } catch (StoreException e) {
                LOG.log(Level.DEBUG, "who holds locks is read again", e);
            }
            kernel.timers().sleep(PAUSE);
        }
    }

    /** Reads all, then follows what happens until the watch breaks. */
    private void follow() throws InterruptedException {
        long revision = keyspace.newestRevision();
        CountDownLatch loaded = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        WatchObserver observer = new WatchObserver() {
            @Override
            public void response(WatchResponse response) throws InterruptedException {
                loaded.await();
                apply(response.getEventsList());
            }

            @Override
            public void closed(@Nullable Throwable error) {
                ended.countDown();
            }
        };
        WatchCreateRequest request = WatchCreateRequest.newBuilder()
                .setKey(FIRST)
                .setRangeEnd(FIRST)
                .setStartRevision(revision + 1)
                .build();
        try (Watch _ = keyspace.watch(
                request, event -> ContenderKey.looksLike(event.getKv().getKey()), observer)) {
            load(read(revision));
            loaded.countDown();
            ended.await();
        } finally {
            loaded.countDown();
        }
    }

    private List<KeyValue> read(long revision) {
        List<KeyValue> pairs = new ArrayList<>();
        for (LeaseStatus lease :
                keyspace.leases(LeaseLeasesRequest.getDefaultInstance()).getLeasesList()) {
            List<ByteString> keys = keyspace.timeToLive(LeaseTimeToLiveRequest.newBuilder()
                            .setID(lease.getID())
                            .setKeys(true)
                            .build())
                    .getKeysList();
            for (ByteString key : keys) {
                if (ContenderKey.parse(key)
                        .filter(found -> found.lease() == lease.getID())
                        .isPresent()) {
                    pairs.addAll(keyspace.range(RangeRequest.newBuilder()
                                    .setKey(key)
                                    .setRevision(revision)
                                    .setSerializable(true)
                                    .build())
                            .getKvsList());
                }
            }
        }
        return pairs;
    }

    private synchronized void load(List<KeyValue> pairs) {
        Map<ByteString, Entries.Times> before = entries.clear();
        entries.load(pairs, ready ? before : remembered, clock.now());
        remembered = Map.of();
        ready = true;
        version++;
    }

    private void apply(List<Event> events) {
        List<Entries.Wait> ended;
        synchronized (this) {
            ended = entries.apply(events, clock.now());
            version++;
        }
        ended.forEach(wait -> waited.accept(wait.role(), Duration.between(wait.from(), wait.to())));
    }
}
