package dev.coppice.store.engine;

import com.google.protobuf.ByteString;
import dev.coppice.store.log.IssueToken;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Who signed in to a keyspace, by the hash of their tokens, as the log told since this member was started; the one unused for
 * longest makes room. Safe for use by many threads.
 */
public final class SignIns {

    private static final int MAX_TOKENS = 10_000;

    /**
     * A token that was given.
     *
     * @param password the user's hashed password at that time
     * @param issuedMillis when, by the clock of the member that gave it
     * @param usedNanos when it was last used here
     * @param used whether it ever was
     */
    public record SignIn(ByteString user, ByteString password, long issuedMillis, long usedNanos, boolean used) {}

    private final Map<ByteString, SignIn> tokens = new LinkedHashMap<>();

    /** Takes note of a token that was given. */
    public synchronized IssueToken add(IssueToken issued) {
        if (tokens.size() >= MAX_TOKENS) {
            tokens.remove(tokens.keySet().iterator().next());
        }
        tokens.put(
                issued.getTokenHash(),
                new SignIn(issued.getUser(), issued.getPassword(), issued.getIssuedAt(), 0, false));
        return issued;
    }

    public synchronized Optional<SignIn> find(ByteString hash) {
        return Optional.ofNullable(tokens.get(hash));
    }

    /** Takes note that a token was used. */
    public synchronized void use(ByteString hash, long nanos) {
        SignIn known = tokens.remove(hash);
        if (known != null) {
            tokens.put(hash, new SignIn(known.user(), known.password(), known.issuedMillis(), nanos, true));
        }
    }

    public synchronized void forget(ByteString hash) {
        var unused = tokens.remove(hash);
    }
}
