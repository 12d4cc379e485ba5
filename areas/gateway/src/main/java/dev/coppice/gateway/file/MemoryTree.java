package dev.coppice.gateway.file;

import dev.coppice.gateway.config.ContentConfig.Encoding;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Files that are in memory, such as those of a ConfigMap. Immutable, safe for use by many threads. */
public final class MemoryTree implements FileTree {
    private final Map<String, FileContents.Content> files = new HashMap<>();
    private final Set<String> directories = new HashSet<>();

    /**
     * A tree of files.
     *
     * @param files by their paths, without a first slash; nobody changes them any more
     * @param contents that it shares with others
     */
    public MemoryTree(Map<String, byte[]> files, FileContents contents) {
        files.forEach((path, bytes) -> {
            this.files.put(path, contents.of(bytes));
            for (int slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
                directories.add(path.substring(0, slash));
            }
        });
    }

    @Override
    public boolean blocks() {
        return false;
    }

    @Override
    public Found open(FilePath path, List<Encoding> encodings) {
        String name = path.toString();
        FileContents.Content content = files.get(name);
        for (Encoding each : content == null ? List.<Encoding>of() : encodings) {
            FileContents.Content encoded = files.get(name + FileTree.ending(each));
            if (encoded != null) {
                return new Found.File(
                        new FileContents.Content(
                                encoded.bytes(), encoded.version().encoded(each)),
                        path.name(),
                        each);
            }
        }
        return content != null
                ? new Found.File(content, path.name(), null)
                : directories.contains(name) ? new Found.Directory() : new Found.Nothing();
    }
}
