package dev.coppice.acceptance.fault;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A lock that one owner holds at a time. Every owner locks once and releases once. */
final class LockModel implements Model<String, LockModel.Request, Boolean> {

    private static final String FREE = "";

    sealed interface Request {
        String owner();
    }

    /** Answered when it is granted. */
    record Lock(String owner) implements Request {}

    /** Gives the lock back, or the wish for it up. */
    record Release(String owner) implements Request {}

    @Override
    public String initial() {
        return FREE;
    }

    @Override
    public List<String> step(String holder, Request request, @Nullable Boolean answer) {
        return switch (request) {
            case Lock lock -> holder.equals(FREE) ? List.of(lock.owner) : List.of();
            case Release release -> List.of(holder.equals(release.owner) ? FREE : holder);
        };
    }
}
