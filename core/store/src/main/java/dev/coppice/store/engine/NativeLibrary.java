package dev.coppice.store.engine;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLConnection;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.rocksdb.RocksDB;
import org.rocksdb.util.Environment;

/**
 * RocksDB's native library. The library would be unpacked from its jar into a temporary file by every process; here it is
 * unpacked once per data directory and version, which saves about 15 MB of writing at each start.
 */
public final class NativeLibrary {
    private NativeLibrary() {}

    /** Loads it, once per process; later calls do nothing. */
    public static synchronized void load(Path directory) throws IOException {
        String name = Environment.getJniLibraryFileName("rocksdb");
        URL packed = RocksDB.class.getClassLoader().getResource(name);
        if (packed == null) {
            RocksDB.loadLibrary();
            return;
        }
        URLConnection connection = packed.openConnection();
        Path folder = directory.resolve("rocksdb-" + connection.getContentLengthLong());
        if (!Files.exists(folder.resolve(name))) {
            Files.createDirectories(folder);
            Path fresh = Files.createTempFile(folder, "unpacking", ".so");
            try (InputStream in = connection.getInputStream()) {
                Files.copy(in, fresh, StandardCopyOption.REPLACE_EXISTING);
            }
            // A library that is cut short by a loss of power would be found whole by its name at the next start.
            try (FileChannel channel = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
                channel.force(true);
            }
            Files.move(
                    fresh, folder.resolve(name), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        }
        try {
            RocksDB.loadLibrary(List.of(folder.toString()));
        } catch (UnsatisfiedLinkError e) {
            RocksDB.loadLibrary();
        }
    }
}
