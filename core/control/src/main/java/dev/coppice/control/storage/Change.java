package dev.coppice.control.storage;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One change of an object, with its serialised forms, which all watchers share. Safe for use by many threads.
 */
public final class Change {
    private final long revision;
    private final @Nullable CachedObject before;
    private final @Nullable CachedObject after;
    private final @Nullable CachedObject last;
    private volatile @Nullable Map<String, byte[]> encoded;

    /**
     * A change.
     *
     * @param before null when it was created
     * @param after null when it was deleted
     * @param last the object as an event tells it: {@code after}, or {@code before} with the revision of its deletion
     */
    Change(long revision, @Nullable CachedObject before, @Nullable CachedObject after, @Nullable CachedObject last) {
        this.revision = revision;
        this.before = before;
        this.after = after;
        this.last = last;
    }

    public long revision() {
        return revision;
    }

    public @Nullable CachedObject before() {
        return before;
    }

    public @Nullable CachedObject after() {
        return after;
    }

    /** The object as an event tells it. */
    public CachedObject object() {
        if (last == null) {
            throw new IllegalStateException("a change without an object");
        }
        return last;
    }

    /** About how many bytes of memory it holds on to, its encoded form counted once. */
    long bytes() {
        return 256 + (before == null ? 0 : before.json().length) + (last == null ? 0 : 2L * last.json().length);
    }

    /** The bytes of this change in an encoding, made once. */
    public byte[] encoded(String encoding, Supplier<byte[]> encoder) {
        Map<String, byte[]> forms = encoded;
        if (forms == null) {
            synchronized (this) {
                forms = encoded;
                if (forms == null) {
                    forms = new ConcurrentHashMap<>(2);
                    encoded = forms;
                }
            }
        }
        byte[] form = forms.get(encoding);
        if (form == null) {
            form = encoder.get();
            forms.put(encoding, form);
        }
        return form;
    }
}
