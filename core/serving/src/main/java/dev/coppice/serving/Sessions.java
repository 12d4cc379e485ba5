package dev.coppice.serving;

import dev.coppice.kernel.Kernel;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Optional;

/**
 * Signed-in browsers, in memory: a restart signs everybody out. Bounded: the one unused for longest makes room. A session
 * ends after 24 hours, or 8 hours without use. Safe for use by many threads.
 */
public final class Sessions {
    private static final Duration LIFETIME = Duration.ofHours(24);
    private static final Duration IDLE = Duration.ofHours(8);
    private static final int ID_BYTES = 32;

    private final Kernel kernel;
    private final int capacity;
    private final LinkedHashMap<String, Session> sessions = new LinkedHashMap<>(16, 0.75f, true);

    public Sessions(Kernel kernel, int capacity) {
        this.kernel = kernel;
        this.capacity = capacity;
    }

    /**
     * A signed-in browser.
     *
     * @param id what its cookie holds; never to be shown or logged
     * @param token the credentials it signed in with, for checking them again
     * @param csrfToken what its requests that change something carry
     */
    record Session(
            String id,
            Identity identity,
            String token,
            String csrfToken,
            Instant createdAt,
            Instant usedAt,
            Instant verifiedAt) {

        Session used(Instant now) {
            return new Session(id, identity, token, csrfToken, createdAt, now, verifiedAt);
        }

        Session verified(Identity identity, Instant now) {
            return new Session(id, identity, token, csrfToken, createdAt, usedAt, now);
        }

        /** Keeps secrets out of logs. */
        @Override
        public String toString() {
            return "Session[" + identity.name() + "]";
        }
    }

    Session open(Identity identity, String token) {
        Instant now = kernel.clock().now();
        Session session = new Session(random(), identity, token, random(), now, now, now);
        synchronized (sessions) {
            sessions.put(session.id(), session);
            if (sessions.size() > capacity) {
                sessions.pollFirstEntry();
            }
        }
        return session;
    }

    /** A session that lasts; from now on its idle time counts anew. */
    Optional<Session> find(String id) {
        synchronized (sessions) {
            Optional<Session> used =
                    peek(id).map(session -> session.used(kernel.clock().now()));
            used.ifPresent(session -> sessions.put(id, session));
            return used;
        }
    }

    /** A session that lasts, without using it. */
    Optional<Session> peek(String id) {
        Instant now = kernel.clock().now();
        synchronized (sessions) {
            Session session = sessions.get(id);
            if (session == null) {
                return Optional.empty();
            }
            if (now.isAfter(session.createdAt().plus(LIFETIME))
                    || now.isAfter(session.usedAt().plus(IDLE))) {
                sessions.remove(id);
                return Optional.empty();
            }
            return Optional.of(session);
        }
    }

    void replace(Session session) {
        synchronized (sessions) {
            if (sessions.containsKey(session.id())) {
                sessions.put(session.id(), session);
            }
        }
    }

    void close(String id) {
        synchronized (sessions) {
            sessions.remove(id);
        }
    }

    int size() {
        synchronized (sessions) {
            return sessions.size();
        }
    }

    private String random() {
        byte[] bytes = new byte[ID_BYTES];
        kernel.secureRandom().nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
