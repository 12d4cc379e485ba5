package dev.coppice.gateway.file;

import dev.coppice.gateway.config.ContentConfig.Encoding;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Files below a root. Safe for use by many threads. */
public interface FileTree {

    /** A file that is open. For one thread at a time. */
    interface OpenFile extends AutoCloseable {
        FileVersion version();

        /**
         * Some of its bytes.
         *
         * @return so many, never less
         * @throws IOException also when it has become shorter
         */
        byte[] read(long from, int count) throws IOException;

        @Override
        void close();
    }

    /** What is at a path. */
    sealed interface Found {
        /**
         * A file.
         *
         * @param name of it as it is, whatever file beside it has it encoded
         * @param encoding in which its bytes are; null: as it is
         */
        record File(OpenFile file, String name, @Nullable Encoding encoding) implements Found {}

        /** A directory. */
        record Directory() implements Found {}

        /** Nothing that is served. */
        record Nothing() implements Found {}
    }

    /** Whether it waits for a disk, so that an event loop may not call it. */
    boolean blocks();

    /**
     * Opens what is at a path, which is no directory's: of a file the first of some encodings of it that lies beside it, and is not older, or else the file as it is.
     *
     * @param encodings by which the file may have been compressed beforehand
     * @throws IOException when it cannot be read
     */
    Found open(FilePath path, List<Encoding> encodings) throws IOException;

    /** Opens it as it is. */
    default Found open(FilePath path) throws IOException {
        return open(path, List.of());
    }

    /** With which the name of a file ends that has another one in an encoding. */
    static String ending(Encoding encoding) {
        return switch (encoding) {
            case BROTLI -> ".br";
            case GZIP -> ".gz";
            case ZSTD -> ".zst";
        };
    }

    /**
     * Opens what an answer is made of: the file of a path, or the index of its directory; without one the fallback, if there is any.
     *
     * @param index its name; empty: directories have none
     * @param encodings by which files may have been compressed beforehand
     * @return a directory when the path is that of one, but for the slash
     */
    default Found find(FilePath path, String index, @Nullable FilePath fallback, List<Encoding> encodings)
            throws IOException {
        Found found = path.directory()
                ? index.isEmpty() ? new Found.Nothing() : open(path.in(index), encodings)
                : open(path, encodings);
        if (found instanceof Found.File) {
            return found;
        }
        if (found instanceof Found.Directory && !path.directory() && !index.isEmpty()) {
            Found inside = open(inside(path).in(index));
            if (inside instanceof Found.File file) {
                file.file().close();
                return found;
            }
        }
        return fallback == null || !(open(fallback, encodings) instanceof Found.File file) ? new Found.Nothing() : file;
    }

    private static FilePath inside(FilePath directory) {
        List<String> names = new ArrayList<>(directory.names());
        names.add("");
        return new FilePath(names);
    }
}
