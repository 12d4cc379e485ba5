package dev.coppice.serving;

/**
 * Where others mount what they serve on a listener. Mounting and unmounting work while it serves. The longest matching
 * prefix wins; a prefix matches whole path segments. Safe for use by many threads.
 */
public interface Routes {

    /**
     * Mounts a handler at a prefix such as {@code /apis}. {@code /} catches what nothing else does.
     *
     * @throws IllegalStateException when the prefix is taken
     */
    Mount mount(String prefix, Handler handler);

    /** Unmounts by {@link #close}. */
    interface Mount extends AutoCloseable {
        @Override
        void close();
    }
}
