package dev.coppice.store.engine;

import dev.coppice.store.api.KeyValue;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksIterator;

/** Where a request reads from: a {@linkplain View consistent view} of what was applied, or the {@linkplain Batch batch} being applied. */
sealed interface Source permits View, Batch {

    byte @Nullable [] get(Database.Family family, byte[] key);

    /** To be closed by the caller. */
    RocksIterator iterate(Database.Family family);

    /** The current version of a key. */
    default @Nullable Version live(byte[] liveKey) {
        byte[] found = get(Database.Family.LIVE, liveKey);
        return found == null ? null : Version.decode(found);
    }

    /** The pair that a version stands for; null when it was compacted away meanwhile. */
    default @Nullable KeyValue pair(int space, Version version) {
        byte[] found = get(Database.Family.REVISIONS, Codec.revision(space, version.mod(), version.sub()));
        return found == null ? null : Change.decode(found).pair();
    }
}
