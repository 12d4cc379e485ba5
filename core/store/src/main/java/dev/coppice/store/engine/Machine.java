package dev.coppice.store.engine;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.coppice.kernel.Clock;
import dev.coppice.store.StoreException;
import dev.coppice.store.log.Command;
import dev.coppice.store.log.DefineKeyspace;
import dev.coppice.store.log.KeyspaceRecord;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksIterator;

/**
 * The replicated state machine: all keyspaces of a member, in one database. {@link #apply} and {@link #commit} are called
 * by one thread, in the order of the log; the same commands give the same state on every member. Everything else is safe
 * for use by many threads.
 */
public final class Machine implements AutoCloseable {

    /** Where the outcome of a command goes, on the member that proposed it. */
    public interface Outcome {
        void answered(Message answer);

        void refused(StoreException error);

        /** For commands that somebody else proposed. */
        Outcome NOBODY = new Outcome() {
            @Override
            public void answered(Message answer) {}

            @Override
            public void refused(StoreException error) {}
        };
    }

    /** The state on disk could not be read or written. */
    public abstract static class UnwritableException extends RuntimeException {
        UnwritableException(String message, @Nullable Throwable cause) {
            super(message, cause);
        }
    }

    private record Settled(
            Outcome outcome,
            @Nullable Message answer,
            @Nullable StoreException error) {
        void tell() {
            if (error != null) {
                outcome.refused(error);
            } else if (answer != null) {
                outcome.answered(answer);
            }
        }
    }

    private final Clock clock;
    private final StoreMetrics metrics;
    private final long memberId;
    private final Path directory;
    private volatile Database database;
    private Batch batch;
    private volatile Roster roster;
    private final Map<Integer, Space> spaces = new ConcurrentHashMap<>();
    private final List<Settled> settled = new ArrayList<>();
    private long lastApplied;
    private volatile long committed;
    private volatile long term;
    private volatile BiConsumer<Space, Long> beforeRenewal = (space, lease) -> {};

    /** Readers hold it shared; closing holds it alone, so that nobody reads a database that is gone. */
    private final ReentrantReadWriteLock usage = new ReentrantReadWriteLock();

    private boolean closed;

    /** As many copies of the state as are made at once: each keeps what was deleted meanwhile on the disk. */
    private static final int MAX_PINS = 8;

    /** Guarded by itself. */
    private final Set<Pin> pins = new HashSet<>();

    private Machine(Path directory, Database database, Clock clock, StoreMetrics metrics, long memberId) {
        this.directory = directory;
        this.database = database;
        this.clock = clock;
        this.metrics = metrics;
        this.memberId = memberId;
        this.batch = new Batch(database);
        this.lastApplied = database.applied();
        this.committed = lastApplied;
        this.roster = new Roster(database);
        loadSpaces();
    }

    /** Opens the state in a directory. */
    public static Machine open(Path directory, Clock clock, StoreMetrics metrics, long memberId) throws IOException {
        return new Machine(directory, Database.open(directory), clock, metrics, memberId);
    }

    static byte[] spaceKey(int number) {
        return ByteBuffer.allocate(3).put((byte) 'k').putShort((short) number).array();
    }

    private void loadSpaces() {
        byte[] prefix = {'k'};
        try (RocksIterator iterator = database.rocks().newIterator(database.handle(Database.Family.META))) {
            for (iterator.seek(prefix);
                    iterator.isValid() && Codec.startsWith(iterator.key(), prefix);
                    iterator.next()) {
                KeyspaceRecord record = KeyspaceRecord.parseFrom(iterator.value());
                Space known = spaces.get(record.getNumber());
                if (known == null) {
                    spaces.put(record.getNumber(), new Space(this, record));
                } else {
                    known.reload();
                }
            }
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException("a stored keyspace cannot be read: the data directory is damaged", e);
        }
    }

    Database database() {
        return database;
    }

    Clock clock() {
        return clock;
    }

    StoreMetrics metrics() {
        return metrics;
    }

    public long memberId() {
        return memberId;
    }

    public long term() {
        return term;
    }

    public void setTerm(long term) {
        this.term = term;
    }

    /** The index of the last command that is part of the state on disk or in memory. */
    public long applied() {
        return committed;
    }

    /** Who belongs to the cluster. */
    public Roster roster() {
        return roster;
    }

    public Collection<Space> spaces() {
        return spaces.values();
    }

    public Optional<Space> space(String name) {
        return spaces.values().stream()
                .filter(space -> space.name().equals(name))
                .findFirst();
    }

    /** Bytes of the files on disk. */
    public long fileBytes() {
        return direct(database::fileBytes);
    }

    // ---- reading

    /** Reads from a consistent view of everything committed. */
    <T> T read(Function<View, T> reader) {
        return direct(() -> {
            try (View view = new View(database)) {
                return reader.apply(view);
            }
        });
    }

    /** Reads without a view; the database stays open meanwhile. */
    <T extends @Nullable Object> T direct(Supplier<T> reader) {
        usage.readLock().lock();
        try {
            if (closed) {
                throw Errors.stopped();
            }
            return reader.get();
        } finally {
            usage.readLock().unlock();
        }
    }

    /** As {@link #direct}; null when that would have to wait. */
    <T> @Nullable T directNow(Supplier<@Nullable T> reader) {
        if (!usage.readLock().tryLock()) {
            return null;
        }
        try {
            return closed ? null : reader.get();
        } finally {
            usage.readLock().unlock();
        }
    }

    /**
     * Keeps the state of this moment for reading, until it is closed.
     *
     * @throws StoreException {@code RESOURCE_EXHAUSTED} when too many are kept
     */
    public Pin pin() {
        return direct(() -> {
            synchronized (pins) {
                if (pins.size() >= MAX_PINS) {
                    throw Errors.tooManyRequests();
                }
                Pin pin = new Pin(this, View.forCopying(database));
                pins.add(pin);
                return pin;
            }
        });
    }

    void unpin(Pin pin) {
        usage.readLock().lock();
        try {
            synchronized (pins) {
                if (pins.remove(pin)) {
                    pin.release();
                }
            }
        } finally {
            usage.readLock().unlock();
        }
    }

    /** Sets what is done with a lease that is renewed while its last checkpoint tells of less time. */
    public void beforeRenewal(BiConsumer<Space, Long> action) {
        beforeRenewal = action;
    }

    void renewing(Space space, long lease) {
        beforeRenewal.accept(space, lease);
    }

    /** Does something that ends with a sync of the log, and takes note how long that took. */
    public int timedSync(IntSupplier append) {
        long begin = clock.nanoTime();
        int appended = append.getAsInt();
        metrics.synced(clock.nanoTime() - begin);
        return appended;
    }

    // ---- applying

    /**
     * Applies a command as it stands in the log.
     *
     * @param waiting who waits for its outcome here
     */
    public void apply(long index, ByteBuffer encoded, Function<Command, Outcome> waiting) {
        if (index <= lastApplied) {
            return;
        }
        try {
            Command command = Command.parseFrom(encoded);
            apply(index, command, waiting.apply(command));
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException("entry " + index + " of the log cannot be read", e);
        }
    }

    /** Applies one command to the batch; its outcome is told by {@link #commit}. Commands applied before are skipped. */
    public void apply(long index, Command command, Outcome outcome) {
        if (index <= lastApplied) {
            return;
        }
        lastApplied = index;
        try {
            settled.add(new Settled(outcome, apply(command), null));
        } catch (StoreException e) {
            metrics.refused();
            settled.add(new Settled(outcome, null, e));
        }
    }

    private Message apply(Command command) {
        if (command.hasDefineKeyspace()) {
            return define(command.getDefineKeyspace());
        }
        Message aboutMembers = roster.apply(batch, command);
        if (aboutMembers != null) {
            return aboutMembers;
        }
        Space space = spaces.get(command.getKeyspace());
        if (space == null) {
            throw new IllegalStateException(
                    "the log names keyspace " + command.getKeyspace() + ", which is not defined");
        }
        return space.apply(batch, command);
    }

    private Message define(DefineKeyspace request) {
        Optional<Space> known = space(request.getName());
        if (known.isEmpty()) {
            KeyspaceRecord record = KeyspaceRecord.newBuilder()
                    .setNumber(spaces.keySet().stream().max(Integer::compare).orElse(0) + 1)
                    .setName(request.getName())
                    .setClusterId(request.getClusterId())
                    .build();
            batch.put(Database.Family.META, spaceKey(record.getNumber()), record.toByteArray());
            spaces.put(record.getNumber(), new Space(this, record));
        }
        return request;
    }

    /** Takes note of an entry of the log that holds no command. */
    public void skip(long index) {
        lastApplied = Math.max(lastApplied, index);
    }

    /** Commands applied since the last commit. */
    public int pending() {
        return settled.size();
    }

    /** Writes the batch, shows it to readers and watches, and tells the outcomes. */
    public void commit() {
        if (settled.isEmpty() && lastApplied == committed) {
            return;
        }
        for (Space space : spaces.values()) {
            space.prepare(batch);
        }
        long begin = clock.nanoTime();
        batch.write(lastApplied);
        metrics.written(clock.nanoTime() - begin);
        committed = lastApplied;
        for (Space space : spaces.values()) {
            space.publish();
        }
        metrics.applied(settled.size());
        settled.forEach(Settled::tell);
        settled.clear();
    }

    // ---- keeping

    /** Puts a copy of the state into a directory that does not exist yet; by the applying thread. */
    public void checkpoint(Path target) {
        database.checkpoint(target);
    }

    /**
     * Takes over the state of another member that is further, by the applying thread. Watches go on: what they missed they
     * read from the new state. When this fails or the process dies meanwhile, the next start restores the newest snapshot.
     *
     * @param copy holds the files; they are linked or copied
     */
    public void restore(Path copy) throws IOException {
        usage.writeLock().lock();
        try {
            if (closed) {
                throw Errors.stopped();
            }
            synchronized (pins) {
                pins.forEach(Pin::release);
                pins.clear();
            }
            batch.close();
            database.close();
            // Whatever happens from here on, a half-made state is never opened: without it the snapshot is taken again.
            StateFiles.delete(directory);
            StateFiles.copy(copy, directory);
            database = Database.open(directory);
            batch = new Batch(database);
            lastApplied = database.applied();
            committed = lastApplied;
            roster = new Roster(database);
            loadSpaces();
        } catch (IOException | RuntimeException e) {
            closed = true;
            throw e;
        } finally {
            usage.writeLock().unlock();
        }
        spaces.values().forEach(Space::wakeWatches);
    }

    /** Removes old versions from the disk as far as a keyspace is compacted; by one thread. */
    public boolean compact(Space space, int maxVersions) {
        return direct(() -> new Compactor(database, space, metrics).run(maxVersions));
    }

    /** Rewrites the files of a keyspace, which frees the space of what was removed. */
    public void defragment(Space space) {
        direct(() -> {
            database.compactFiles(space.number());
            return true;
        });
    }

    @Override
    public void close() {
        usage.writeLock().lock();
        try {
            if (!closed) {
                closed = true;
                settled.forEach(each -> each.outcome().refused(Errors.stopped()));
                settled.clear();
                synchronized (pins) {
                    pins.forEach(Pin::release);
                    pins.clear();
                }
                batch.close();
                database.close();
            }
        } finally {
            usage.writeLock().unlock();
        }
    }
}
