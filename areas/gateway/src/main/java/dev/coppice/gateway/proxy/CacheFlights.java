package dev.coppice.gateway.proxy;

import dev.coppice.gateway.cache.CacheKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Requests that fetch answers for a cache, each with those that wait for what it brings (collapsed forwarding). Safe for use by many threads: a
 * request may wait for one on another event loop.
 */
final class CacheFlights {
    /** Requests that wait for one other; further ones go on by themselves. */
    private static final int MOST_WAITING = 4_096;

    /** What became of one. */
    enum Landing {
        /** Its answer is kept. */
        KEPT,
        /** Its answer is for itself alone. */
        NOT_KEPT,
        /** Its client went, or its answer broke off: another one may fetch it. */
        ABANDONED
    }

    /** What waits. */
    interface Waiting {
        /** Tells, on any thread. */
        void landed(Landing how);
    }

    /** One that fetches. */
    final class Flight {
        private final CacheKey key;
        private @Nullable List<Waiting> waiting = new ArrayList<>(0);

        private Flight(CacheKey key) {
            this.key = key;
        }

        private synchronized @Nullable Boolean join(Waiting one) {
            if (waiting == null) {
                return null;
            }
            return waiting.size() < MOST_WAITING && waiting.add(one);
        }

        /** Nobody waits for it any more; nothing when it was over before. Says whether somebody was told. */
        boolean land(Landing how) {
            List<Waiting> told;
            synchronized (this) {
                told = waiting;
                waiting = null;
            }
            if (told == null) {
                return false;
            }
            flights.remove(key, this);
            told.forEach(each -> each.landed(how));
            return !told.isEmpty();
        }

        /** One waits no more. */
        synchronized void leave(Waiting one) {
            if (waiting != null) {
                waiting.remove(one);
            }
        }
    }

    /**
     * What is to be done.
     *
     * @param flight that the request waits for if it {@code waits}, or else is itself; null: it goes on by itself
     */
    record Place(@Nullable Flight flight, boolean waits) {}

    private final Map<CacheKey, Flight> flights = new ConcurrentHashMap<>();

    /** Waits for who fetches the answer for a key; who is the first fetches it. */
    Place take(CacheKey key, Waiting one) {
        Flight own = new Flight(key);
        while (true) {
            Flight other = flights.putIfAbsent(key, own);
            if (other == null) {
                return new Place(own, false);
            }
            Boolean joined = other.join(one);
            if (joined != null) {
                return joined ? new Place(other, true) : new Place(null, false);
            }
            // It landed just now; whoever lands it takes it out.
            flights.remove(key, other);
        }
    }

    /** Fetches the answer for a key; null: another one does. */
    @Nullable
    Flight lead(CacheKey key) {
        Flight own = new Flight(key);
        return flights.putIfAbsent(key, own) == null ? own : null;
    }

    /** That are under way. */
    int size() {
        return flights.size();
    }
}
