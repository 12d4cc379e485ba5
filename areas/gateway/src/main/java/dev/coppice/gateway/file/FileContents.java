package dev.coppice.gateway.file;

import java.lang.ref.WeakReference;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The contents of files that are in memory, each of them once however many trees have it, and only as long as one does. Safe for use by many threads. */
public final class FileContents {
    private static final int TAG_DIGITS = 32;

    /** One of them. */
    record Content(byte[] bytes, FileVersion version) implements FileTree.OpenFile {
        @Override
        public byte[] read(long from, int count) {
            return Arrays.copyOfRange(bytes, Math.toIntExact(from), Math.toIntExact(from + count));
        }

        @Override
        public void close() {
            // It is there for as long as somebody has it.
        }
    }

    /** By the digest. */
    private final Map<String, WeakReference<Content>> contents = new HashMap<>();

    /** That of some bytes, which nobody changes any more. */
    synchronized Content of(byte[] bytes) {
        String digest = digest(bytes);
        WeakReference<Content> known = contents.get(digest);
        @Nullable Content content = known == null ? null : known.get();
        if (content == null) {
            contents.values().removeIf(each -> each.get() == null);
            content =
                    new Content(bytes, new FileVersion('"' + digest.substring(0, TAG_DIGITS) + '"', -1, bytes.length));
            contents.put(digest, new WeakReference<>(content));
        }
        return content;
    }

    /** Bytes of those that somebody has, or had until a short time ago. */
    public synchronized long bytes() {
        long all = 0;
        for (WeakReference<Content> each : contents.values()) {
            Content content = each.get();
            all += content == null ? 0 : content.bytes.length;
        }
        return all;
    }

    private static String digest(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
