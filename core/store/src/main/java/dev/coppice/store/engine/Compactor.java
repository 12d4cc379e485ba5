package dev.coppice.store.engine;

import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.WriteBatch;

/**
 * Removes the versions that compaction made unreachable: walking over the revisions from the last compaction to this one, each change's
 * predecessor goes, and so does a deletion itself, except at the compacted revision, from which a watch may still start.
 * The work is proportional to the changes, is done in steps, and how far it got is written with each step.
 */
final class Compactor {

    private final Database database;
    private final Space space;
    private final StoreMetrics metrics;
    private long freedBytes;
    private long removed;

    Compactor(Database database, Space space, StoreMetrics metrics) {
        this.database = database;
        this.space = space;
        this.metrics = metrics;
    }

    /** One step over at most {@code maxChanges}; true when there is more to do. */
    boolean run(int maxChanges) {
        long target = space.compacted();
        byte[] stored = database.get(Database.Family.META, space.physicalKey());
        long from = stored == null ? 0 : Codec.number(stored);
        if (from >= target) {
            return false;
        }
        try (View view = new View(database);
                WriteBatch batch = new WriteBatch()) {
            long reached = walk(view, batch, from, target, maxChanges);
            record(batch, reached);
            database.write(batch);
            space.freed(freedBytes);
            metrics.compacted(removed);
            return reached < target;
        } catch (RocksDBException e) {
            throw new Database.DatabaseException(e);
        }
    }

    /** Walks over whole revisions, and says which was the last. */
    private long walk(View view, WriteBatch batch, long from, long target, int maxChanges) throws RocksDBException {
        int changes = 0;
        long reached = from;
        byte[] end = Codec.revision(space.number(), target + 1, 0);
        try (RocksIterator iterator = view.iterate(Database.Family.REVISIONS)) {
            for (iterator.seek(Codec.revision(space.number(), from, 0)); iterator.isValid(); iterator.next()) {
                byte[] at = iterator.key();
                if (Codec.compare(at, end) >= 0) {
                    break;
                }
                long revision = Codec.revisionOf(at);
                if (revision != reached && changes >= maxChanges) {
                    return reached;
                }
                reached = revision;
                changes++;
                visit(view, batch, at, Change.decode(iterator.value()), revision == target);
            }
            Ranges.check(iterator);
        }
        return target;
    }

    private void visit(View view, WriteBatch batch, byte[] at, Change change, boolean last) throws RocksDBException {
        long revision = Codec.revisionOf(at);
        Version previous = previous(view, change, revision);
        if (previous != null && !previous.deleted()) {
            remove(view, batch, change, previous.mod(), previous.sub());
        }
        if (change.deletion() && !last) {
            remove(view, batch, change, revision, Codec.subOf(at));
        }
    }

    private @Nullable Version previous(View view, Change change, long revision) {
        try (RocksIterator iterator = view.iterate(Database.Family.HISTORY)) {
            byte[] prefix = Codec.historyPrefix(space.number(), change.pair().getKey());
            iterator.seek(Codec.history(space.number(), change.pair().getKey(), revision - 1));
            boolean found = iterator.isValid()
                    && iterator.key().length == prefix.length + 8
                    && Codec.startsWith(iterator.key(), prefix);
            return found ? Version.decode(iterator.value()) : null;
        }
    }

    private void remove(View view, WriteBatch batch, Change change, long revision, int sub) throws RocksDBException {
        byte[] at = Codec.revision(space.number(), revision, sub);
        byte[] stored = view.get(Database.Family.REVISIONS, at);
        if (stored != null) {
            batch.delete(database.handle(Database.Family.REVISIONS), at);
            batch.delete(
                    database.handle(Database.Family.HISTORY),
                    Codec.history(space.number(), change.pair().getKey(), revision));
            freedBytes += Change.size(
                    change.pair().getKey(), Change.decode(stored).pair().getValue());
            removed++;
        }
    }

    private void record(WriteBatch batch, long reached) throws RocksDBException {
        byte[] before = database.get(Database.Family.META, space.freedKey());
        batch.put(
                database.handle(Database.Family.META),
                space.freedKey(),
                Codec.number((before == null ? 0 : Codec.number(before)) + freedBytes));
        batch.put(database.handle(Database.Family.META), space.physicalKey(), Codec.number(reached));
    }
}
