package dev.coppice.store.raft;

import com.alipay.sofa.jraft.core.DefaultJRaftServiceFactory;
import com.alipay.sofa.jraft.option.RaftOptions;
import com.alipay.sofa.jraft.storage.LogStorage;
import java.nio.file.Path;
import java.util.function.IntSupplier;

/** Lets the library keep its entries in a {@link dev.coppice.store.wal.WriteAheadLog}; how long synced writes take is told. */
final class WalStorageFactory extends DefaultJRaftServiceFactory {

    /** Carries out a write that is synced, and says what that gave. */
    interface Timer {
        int time(IntSupplier append);
    }

    private final Timer timer;

    WalStorageFactory(Timer timer) {
        this.timer = timer;
    }

    /** @param uri where the library's own log was in earlier versions */
    @Override
    public LogStorage createLogStorage(String uri, RaftOptions options) {
        return new WalStorage(Path.of(uri), options, timer);
    }
}
