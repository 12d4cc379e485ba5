package dev.coppice.store.raft;

import com.alipay.sofa.jraft.core.DefaultJRaftServiceFactory;
import com.alipay.sofa.jraft.entity.LogEntry;
import com.alipay.sofa.jraft.option.RaftOptions;
import com.alipay.sofa.jraft.storage.LogStorage;
import com.alipay.sofa.jraft.storage.impl.RocksDBLogStorage;
import java.util.List;
import java.util.function.IntSupplier;

/** The library's own log storage; how long its synced writes take is told. */
final class TimedStorage extends DefaultJRaftServiceFactory {

    /** Carries out a write that is synced, and says what that gave. */
    interface Timer {
        int time(IntSupplier append);
    }

    private final Timer timer;

    TimedStorage(Timer timer) {
        this.timer = timer;
    }

    @Override
    public LogStorage createLogStorage(String uri, RaftOptions options) {
        return new RocksDBLogStorage(uri, options) {
            @Override
            public int appendEntries(List<LogEntry> entries) {
                return timer.time(() -> super.appendEntries(entries));
            }
        };
    }
}
