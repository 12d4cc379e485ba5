package dev.coppice.store.engine;

import org.jspecify.annotations.Nullable;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.WriteBatchWithIndex;

/**
 * Changes of several commands that reach the disk together. Reads see the changes made so far. Used by the applying thread
 * only.
 */
final class Batch implements Source, AutoCloseable {

    private final Database database;
    private final WriteBatchWithIndex changes = new WriteBatchWithIndex(true);
    private final ReadOptions options = new ReadOptions();

    Batch(Database database) {
        this.database = database;
    }

    @Override
    public byte @Nullable [] get(Database.Family family, byte[] key) {
        try {
            return changes.getFromBatchAndDB(database.rocks(), database.handle(family), options, key);
        } catch (RocksDBException e) {
            throw new Database.DatabaseException(e);
        }
    }

    @Override
    public RocksIterator iterate(Database.Family family) {
        return changes.newIteratorWithBase(
                database.handle(family), database.rocks().newIterator(database.handle(family), options));
    }

    void put(Database.Family family, byte[] key, byte[] value) {
        try {
            changes.put(database.handle(family), key, value);
        } catch (RocksDBException e) {
            throw new Database.DatabaseException(e);
        }
    }

    void delete(Database.Family family, byte[] key) {
        try {
            changes.delete(database.handle(family), key);
        } catch (RocksDBException e) {
            throw new Database.DatabaseException(e);
        }
    }

    /** Writes the changes and starts anew. */
    void write(long applied) {
        database.write(changes, applied);
        changes.clear();
    }

    @Override
    public void close() {
        changes.close();
        options.close();
    }
}
