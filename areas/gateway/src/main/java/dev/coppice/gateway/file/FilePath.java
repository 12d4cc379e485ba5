package dev.coppice.gateway.file;

import dev.coppice.gateway.transcode.PercentText;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which file a path means, as names of directories and of the file. None is hidden, empty or has a slash, whatever escapes it came with.
 * Immutable.
 *
 * @param names the last is empty where the path is that of a directory
 */
public record FilePath(List<String> names) {
    private static final int MOST_NAMES = 32;
    private static final int MOST_CHARACTERS = 255;
    /** What is not hidden though it begins with a dot (RFC 8615). */
    private static final String WELL_KNOWN = ".well-known";

    public FilePath {
        names = List.copyOf(names);
    }

    /** The file that a path in normal form means, with or without its first slash; null when that is none. */
    public static @Nullable FilePath of(String path) {
        List<String> names = new ArrayList<>();
        int at = path.startsWith("/") ? 1 : 0;
        while (true) {
            int slash = path.indexOf('/', at);
            boolean last = slash < 0;
            String name = PercentText.decoded(path.substring(at, last ? path.length() : slash), false);
            if (name == null || !(last && name.isEmpty() || good(name)) || names.size() == MOST_NAMES) {
                return null;
            }
            names.add(name);
            if (last) {
                return new FilePath(names);
            }
            at = slash + 1;
        }
    }

    private static boolean good(String name) {
        if (name.isEmpty() || name.length() > MOST_CHARACTERS || name.startsWith(".") && !name.equals(WELL_KNOWN)) {
            return false;
        }
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            if (c < ' ' || c == 0x7F || c == '/' || c == '\\') {
                return false;
            }
        }
        return true;
    }

    /** Whether it is a directory's. */
    public boolean directory() {
        return names.getLast().isEmpty();
    }

    /** A file in the directory that this is. */
    public FilePath in(String file) {
        List<String> all = new ArrayList<>(names);
        all.set(all.size() - 1, file);
        return new FilePath(all);
    }

    /** The name of the file. */
    public String name() {
        return names.getLast();
    }

    @Override
    public String toString() {
        return String.join("/", names);
    }
}
