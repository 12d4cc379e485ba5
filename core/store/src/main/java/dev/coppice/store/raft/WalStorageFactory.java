package dev.coppice.store.raft;

import com.alipay.sofa.jraft.core.DefaultJRaftServiceFactory;
import com.alipay.sofa.jraft.option.NodeOptions;
import com.alipay.sofa.jraft.option.RaftOptions;
import com.alipay.sofa.jraft.storage.LogStorage;
import com.alipay.sofa.jraft.storage.SnapshotStorage;
import java.nio.file.Path;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Lets the library keep its entries in a {@link dev.coppice.store.wal.WriteAheadLog}, and check its snapshots; how long synced
 * writes take is told.
 */
final class WalStorageFactory extends DefaultJRaftServiceFactory {

    /** Carries out a write that is synced, and says what that gave. */
    interface Timer {
        int time(IntSupplier append);
    }

    private final Timer timer;
    private volatile @Nullable WalStorage made;

    WalStorageFactory(Timer timer) {
        this.timer = timer;
    }

    /** @param uri where the library's own log was in earlier versions */
    @Override
    public LogStorage createLogStorage(String uri, RaftOptions options) {
        WalStorage storage = new WalStorage(Path.of(uri), options, timer);
        made = storage;
        return storage;
    }

    @Override
    public SnapshotStorage createSnapshotStorage(NodeOptions options) {
        return new CheckedSnapshots(options.getSnapshotUri(), options.getSnapshotTempUri(), options.getRaftOptions());
    }

    /** How many bytes the log has on disk. */
    long bytes() {
        WalStorage storage = made;
        return storage == null ? 0 : storage.bytes();
    }

    /** See {@link WalStorage#sole()}. */
    WalStorage.@Nullable Sole sole() {
        WalStorage storage = made;
        return storage == null ? null : storage.sole();
    }
}
