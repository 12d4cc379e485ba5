package dev.coppice.gateway.file;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;

/** Files that are in memory, such as those of a ConfigMap. Immutable, safe for use by many threads. */
public final class MemoryTree implements FileTree {
    private static final int TAG_BYTES = 16;

    private record Held(byte[] bytes, FileVersion version) implements OpenFile {
        @Override
        public byte[] read(long from, int count) {
            return Arrays.copyOfRange(bytes, Math.toIntExact(from), Math.toIntExact(from + count));
        }

        @Override
        public void close() {
            // It is there for as long as somebody has it.
        }
    }

    private final Map<String, Held> files = new HashMap<>();
    private final Set<String> directories = new HashSet<>();

    /** @param files by their paths, without a first slash */
    public MemoryTree(Map<String, byte[]> files) {
        files.forEach((path, bytes) -> {
            this.files.put(path, new Held(bytes.clone(), new FileVersion(tag(bytes), -1, bytes.length)));
            for (int slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
                directories.add(path.substring(0, slash));
            }
        });
    }

    private static String tag(byte[] bytes) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
            return '"' + HexFormat.of().formatHex(digest, 0, TAG_BYTES) + '"';
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public boolean blocks() {
        return false;
    }

    @Override
    public Found open(FilePath path) {
        String name = path.toString();
        Held held = files.get(name);
        return held != null
                ? new Found.File(held, path.name())
                : directories.contains(name) ? new Found.Directory() : new Found.Nothing();
    }
}
