package dev.coppice.store.coordination;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a session is. Immutable; the with-methods copy.
 *
 * @param ttl how long what it holds stays held when it is no longer heard of; 2 seconds to a day, in whole seconds
 * @param owner the name of the activity it is a part of, for deadlock detection over several sessions; null for none
 */
public record SessionOptions(Duration ttl, @Nullable String owner) {
    public static final SessionOptions DEFAULT = new SessionOptions(Duration.ofSeconds(10), null);

    public SessionOptions {
        if (ttl.toSeconds() < 2 || ttl.toDays() > 1 || ttl.toNanosPart() != 0) {
            throw new IllegalArgumentException("ttl " + ttl + ": expected whole seconds, from 2s to 24h");
        }
        if (owner != null) {
            String _ = LockNote.checkOwner(owner);
        }
    }

    public SessionOptions withTtl(Duration ttl) {
        return new SessionOptions(ttl, owner);
    }

    public SessionOptions withOwner(@Nullable String owner) {
        return new SessionOptions(ttl, owner);
    }
}
