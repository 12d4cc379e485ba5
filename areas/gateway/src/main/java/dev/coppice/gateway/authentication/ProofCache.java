package dev.coppice.gateway.authentication;

import dev.coppice.kernel.Clock;
import java.security.SecureRandom;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Remembers credentials that were found good, so that their signature or password is not checked with each request. Of a credential it
 * keeps a hash with a secret of the process, in a table of two places for each hash: a new one takes the place of what ends first. Safe for use by many
 * threads, without locks.
 */
final class ProofCache {
    private static final int SALT_BYTES = 32;

    private record Entry(Fingerprint key, Outcome.Known found, long endsMillis) {}

    private final Clock clock;
    private final byte[] secret;
    private final AtomicReferenceArray<@Nullable Entry> entries;

    /** @param size a power of two */
    ProofCache(Clock clock, SecureRandom random, int size) {
        if (size < 2 || Integer.bitCount(size) != 1) {
            throw new IllegalArgumentException("size: " + size + "; expected a power of two");
        }
        this.clock = clock;
        this.secret = new byte[SALT_BYTES];
        random.nextBytes(secret);
        this.entries = new AtomicReferenceArray<>(size);
    }

    /**
     * The key of a credential.
     *
     * @param scope what it was good for: another configuration or set of keys is another scope
     */
    Fingerprint key(long scope, String credential) {
        return Fingerprint.of(secret, scope + "\n" + credential);
    }

    Outcome.@Nullable Known get(Fingerprint key) {
        int home = home(key);
        Outcome.Known found = get(key, home);
        return found == null ? get(key, home ^ 1) : found;
    }

    private Outcome.@Nullable Known get(Fingerprint key, int place) {
        Entry entry = entries.get(place);
        return entry != null && entry.key.equals(key) && clock.currentTimeMillis() < entry.endsMillis
                ? entry.found
                : null;
    }

    /** @param endsMillis when it is good no more, since 1970 */
    void put(Fingerprint key, Outcome.Known found, long endsMillis) {
        int home = home(key);
        Entry first = entries.get(home);
        Entry second = entries.get(home ^ 1);
        boolean intoSecond = first != null
                && !first.key.equals(key)
                && (second == null || second.key.equals(key) || second.endsMillis < first.endsMillis);
        entries.set(intoSecond ? home ^ 1 : home, new Entry(key, found, endsMillis));
    }

    private int home(Fingerprint key) {
        return (int) key.a() & entries.length() - 1;
    }
}
