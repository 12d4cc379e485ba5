package dev.coppice.store.engine;

import org.jspecify.annotations.Nullable;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksIterator;
import org.rocksdb.Snapshot;

/** A consistent view of everything applied up to some moment. Used by one thread; to be closed. */
final class View implements Source, AutoCloseable {

    private static final long READ_AHEAD_BYTES = 1L << 20;

    private final Database database;
    private final Snapshot snapshot;
    private final ReadOptions options;

    View(Database database) {
        this(database, new ReadOptions());
    }

    private View(Database database, ReadOptions options) {
        this.database = database;
        this.snapshot = database.rocks().getSnapshot();
        this.options = options.setSnapshot(snapshot);
    }

    /** A view to read everything from once: what is read does not push out what others read often. */
    static View forCopying(Database database) {
        return new View(database, new ReadOptions().setFillCache(false).setReadaheadSize(READ_AHEAD_BYTES));
    }

    @Override
    public byte @Nullable [] get(Database.Family family, byte[] key) {
        return database.get(family, options, key);
    }

    @Override
    public RocksIterator iterate(Database.Family family) {
        return database.rocks().newIterator(database.handle(family), options);
    }

    @Override
    public void close() {
        options.close();
        database.rocks().releaseSnapshot(snapshot);
        snapshot.close();
    }
}
