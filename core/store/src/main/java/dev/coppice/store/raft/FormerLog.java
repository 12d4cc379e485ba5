package dev.coppice.store.raft;

import com.alipay.sofa.jraft.conf.ConfigurationManager;
import com.alipay.sofa.jraft.entity.LogEntry;
import com.alipay.sofa.jraft.option.LogStorageOptions;
import com.alipay.sofa.jraft.option.RaftOptions;
import com.alipay.sofa.jraft.storage.impl.RocksDBLogStorage;
import dev.coppice.kernel.DurableFile;
import dev.coppice.store.wal.Record;
import dev.coppice.store.wal.WriteAheadLog;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * The log of earlier versions, a RocksDB by the library. Its entries are taken over once, into another directory that gets its name
 * when it is whole. A file stays in the place of the old log, so that an earlier version fails instead of beginning with an empty
 * log.
 */
final class FormerLog {

    private static final System.Logger LOG = System.getLogger(FormerLog.class.getName());
    private static final int ENTRIES_AT_ONCE = 256;
    private static final long BYTES_AT_ONCE = 1 << 20;

    private final Path former;
    private final Path directory;
    private final RaftOptions options;

    FormerLog(Path former, Path directory, RaftOptions options) {
        this.former = former;
        this.directory = directory;
        this.options = options;
    }

    void takeOver(LogStorageOptions opening, Function<LogEntry, Record> encode) throws IOException {
        if (!Files.isDirectory(directory)) {
            Path unfinished = directory.resolveSibling(directory.getFileName() + ".unfinished");
            delete(unfinished);
            if (Files.isDirectory(former)) {
                copy(unfinished, opening, encode);
            } else {
                WriteAheadLog.open(unfinished, record -> {}).close();
            }
            Files.move(unfinished, directory, StandardCopyOption.ATOMIC_MOVE);
            try (FileChannel parent = FileChannel.open(directory.resolve(".."), StandardOpenOption.READ)) {
                parent.force(true);
            }
        }
        if (Files.isDirectory(former)) {
            delete(former);
        }
        if (!Files.exists(former)) {
            DurableFile.write(former, "The log is in the directory \"" + directory.getFileName() + "\".\n");
        }
    }

    private void copy(Path target, LogStorageOptions opening, Function<LogEntry, Record> encode) throws IOException {
        LogStorageOptions reading = new LogStorageOptions();
        reading.setGroupId(opening.getGroupId());
        reading.setLogEntryCodecFactory(opening.getLogEntryCodecFactory());
        reading.setConfigurationManager(new ConfigurationManager());
        RocksDBLogStorage source = new RocksDBLogStorage(former.toString(), options);
        if (!source.init(reading)) {
            throw new IOException("the log of an earlier version in " + former
                    + " cannot be opened; the messages before this one tell why");
        }
        try (WriteAheadLog log = WriteAheadLog.open(target, record -> {})) {
            long first = source.getFirstLogIndex();
            long last = source.getLastLogIndex();
            if (first > 1) {
                log.reset(first);
            }
            long index = first;
            while (index <= last) {
                List<Record> records = new ArrayList<>();
                long bytes = 0;
                for (; index <= last && records.size() < ENTRIES_AT_ONCE && bytes < BYTES_AT_ONCE; index++) {
                    LogEntry entry = source.getEntry(index);
                    if (entry == null) {
                        throw new IOException("entry " + index + " of the log of an earlier version in " + former
                                + " is missing or damaged");
                    }
                    records.add(encode.apply(entry));
                    bytes += records.getLast().data().remaining();
                }
                log.append(records);
            }
            LOG.log(System.Logger.Level.INFO, "entries {0} to {1} of the log were taken over", first, last);
        } finally {
            source.shutdown();
        }
    }

    private static void delete(Path tree) throws IOException {
        if (!Files.exists(tree)) {
            return;
        }
        try (Stream<Path> files = Files.walk(tree)) {
            for (Path each : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(each);
            }
        }
    }
}
