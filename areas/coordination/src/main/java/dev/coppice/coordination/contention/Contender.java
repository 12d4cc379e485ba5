package dev.coppice.coordination.contention;

import com.google.protobuf.ByteString;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.coordination.ContenderKey;
import dev.coppice.store.coordination.FairQueue;
import dev.coppice.store.coordination.LockNote;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One key that stands in a queue, for a lock or as a candidate. Immutable.
 *
 * @param raw the key without slash and lease; of read-write locks with {@code /read} or {@code /write}
 * @param name what is contended for
 * @param token the revision that made the key
 * @param permits how many a semaphore lets in; else 1
 * @param owner as it says in its value; null when it does not
 * @param proposal of a candidate; else empty
 */
public record Contender(
        ByteString key,
        ByteString raw,
        ByteString name,
        long lease,
        long token,
        Role role,
        int permits,
        @Nullable String owner,
        String proposal) {

    private static final int LONGEST_PROPOSAL = 200;

    /** Reads a key; empty when it contends for nothing. */
    static Optional<Contender> of(KeyValue pair) {
        return ContenderKey.parse(pair.getKey())
                .filter(key -> key.lease() == pair.getLease())
                .map(key -> LockNote.parse(pair.getValue())
                        .map(note -> lock(pair, key.name(), note))
                        .orElseGet(() -> candidate(pair, key.name())));
    }

    private static Contender lock(KeyValue pair, ByteString raw, LockNote note) {
        Role role = switch (note.kind()) {
            case LOCK -> Role.LOCK;
            case READ -> Role.READ;
            case WRITE -> Role.WRITE;
            case SEMAPHORE -> Role.SEMAPHORE;
            case BARRIER -> Role.BARRIER;
        };
        ByteString name = switch (role) {
            case READ -> without(raw, "/read");
            case WRITE -> without(raw, "/write");
            case BARRIER -> without(raw, "/waiters");
            case LOCK, SEMAPHORE, CANDIDATE -> raw;
        };
        return new Contender(
                pair.getKey(),
                raw,
                name,
                pair.getLease(),
                pair.getCreateRevision(),
                role,
                note.permits(),
                note.owner(),
                "");
    }

    private static Contender candidate(KeyValue pair, ByteString raw) {
        String proposal = pair.getValue()
                .substring(0, Math.min(pair.getValue().size(), LONGEST_PROPOSAL))
                .toStringUtf8()
                .strip();
        return new Contender(
                pair.getKey(), raw, raw, pair.getLease(), pair.getCreateRevision(), Role.CANDIDATE, 1, null, proposal);
    }

    private static ByteString without(ByteString raw, String end) {
        ByteString suffix = ByteString.copyFromUtf8(end);
        return raw.endsWith(suffix) && raw.size() > suffix.size() ? raw.substring(0, raw.size() - suffix.size()) : raw;
    }

    /** Whom it waits for. */
    FairQueue.Turn turn() {
        return switch (role) {
            case LOCK, CANDIDATE, BARRIER -> FairQueue.Turn.exclusive(raw);
            case READ -> FairQueue.Turn.exclusive(name.concat(ByteString.copyFromUtf8("/write")));
            case WRITE -> FairQueue.Turn.exclusive(name);
            case SEMAPHORE -> new FairQueue.Turn(ContenderKey.below(raw), permits);
        };
    }

    /** Who it is, for people: its owner, what it proposes, or its lease. */
    public String who() {
        if (owner != null) {
            return owner;
        }
        return proposal.isEmpty() ? "lease " + Long.toHexString(lease) : proposal;
    }

    /** What is contended for, for people. */
    public String shownName() {
        return name.toStringUtf8();
    }
}
