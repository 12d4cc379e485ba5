package dev.coppice.store.raft;

import dev.coppice.kernel.Clock;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** How far each follower is, as its answers to this leader tell. Safe for use by many threads. */
final class Progress {

    /**
     * What a follower told last.
     *
     * @param matched the last entry that it is known to have; 0 when it is not known in this term
     */
    record Follower(long term, long matched, long heardNanos) {}

    private final Clock clock;
    private final Map<String, Follower> followers = new ConcurrentHashMap<>();

    Progress(Clock clock) {
        this.clock = clock;
    }

    void heard(String peer, long term, long matched) {
        long now = clock.nanoTime();
        var unused = followers.merge(
                peer,
                new Follower(term, matched, now),
                (old, fresh) -> old.term() > term
                        ? old
                        : new Follower(term, old.term() == term ? Math.max(old.matched(), matched) : matched, now));
    }

    @Nullable
    Follower of(String peer) {
        return followers.get(peer);
    }
}
