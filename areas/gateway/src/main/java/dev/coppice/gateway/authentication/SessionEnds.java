package dev.coppice.gateway.authentication;

import dev.coppice.gateway.authentication.SessionEnd.Scope;
import dev.coppice.gateway.config.SecurityConfig.Method;
import dev.coppice.kernel.Clock;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.IntConsumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The sessions that issuers have ended, of all their clients that this gateway is: one {@link EndedSessions} for each. Whoever connects it with other
 * gateways {@linkplain #tells is told} what is ended here, and {@linkplain #merge adds} what is ended there. Safe for use by many threads.
 */
public final class SessionEnds {
    /** Hears what other gateways have to know. Called on any thread; may not block. */
    public interface Listener {
        /** Something was ended here, of which the resource has this name. */
        void ended(String name);

        /** Much is different: all has to be compared, both ways. */
        void changed();
    }

    private static final Listener NOBODY = new Listener() {
        @Override
        public void ended(String name) {}

        @Override
        public void changed() {}
    };

    /** @param issuer of the client */
    private record Of(String issuer, String clientId, EndedSessions ended) {
        SessionEnd end(EndedSessions.Entry entry) {
            return new SessionEnd(issuer, clientId, entry.scope(), entry.hash(), entry.atMillis(), entry.untilMillis());
        }
    }

    private final Clock clock;
    private final @Nullable Path directory;
    private final IntConsumer dropped;
    private volatile Map<String, Of> clients = Map.of();
    private volatile Listener listener = NOBODY;

    /**
     * Knows nothing yet.
     *
     * @param directory where it is kept; null: nowhere
     * @param dropped told how many names went for want of room
     */
    public SessionEnds(Clock clock, @Nullable Path directory, IntConsumer dropped) {
        this.clock = clock;
        this.directory = directory;
        this.dropped = dropped;
    }

    /** Knows what clients of issuers have to know, and no others; those that are new are read from the disk. */
    synchronized void keep(List<Method.Oidc> configs) {
        Map<String, Of> next = new HashMap<>();
        for (Method.Oidc each : configs) {
            String client = SessionEnd.client(each.issuer(), each.clientId());
            next.computeIfAbsent(
                            client,
                            _ -> Objects.requireNonNullElseGet(
                                    clients.get(client), () -> opened(client, each.issuer(), each.clientId())))
                    .ended
                    .remembersFor(each.lifetimeMillis());
        }
        boolean more = !clients.keySet().containsAll(next.keySet());
        clients = Map.copyOf(next);
        if (more) {
            listener.changed();
        }
    }

    private Of opened(String client, String issuer, String clientId) {
        Path file = directory == null ? null : directory.resolve(client);
        return new Of(issuer, clientId, new EndedSessions(clock, file, new EndedSessions.Listener() {
            @Override
            public void ended(Scope scope, String hash) {
                listener.ended(new SessionEnd(issuer, clientId, scope, hash, 0, 0).name());
            }

            @Override
            public void dropped(int names) {
                dropped.accept(names);
                listener.changed();
            }
        }));
    }

    /** Those of a client that is kept. */
    EndedSessions of(Method.Oidc config) {
        Of found = clients.get(SessionEnd.client(config.issuer(), config.clientId()));
        if (found == null) {
            throw new IllegalArgumentException("client " + config.clientId() + " was not kept before");
        }
        return found.ended;
    }

    /** How many names of sessions and subjects are remembered. */
    public int size() {
        return clients.values().stream().mapToInt(each -> each.ended.size()).sum();
    }

    // ---- other gateways

    /** Has somebody hear of what is ended here, in place of who did before; null: nobody. */
    public void tells(@Nullable Listener listener) {
        this.listener = listener == null ? NOBODY : listener;
    }

    /** The names of resources that say what is known here. */
    public List<String> names() {
        return clients.values().stream()
                .flatMap(each -> each.ended.all().stream().map(each::end))
                .map(SessionEnd::name)
                .toList();
    }

    /** What is known here, by the name of its resource. */
    public Optional<SessionEnd> find(String name) {
        String[] parts = name.split("-", -1);
        Of of = clients.get(parts[0]);
        if (of == null || parts.length > 3) {
            return Optional.empty();
        }
        String hash;
        try {
            hash = parts.length < 3
                    ? ""
                    : Base64.getUrlEncoder()
                            .withoutPadding()
                            .encodeToString(HexFormat.of().parseHex(parts[2]));
        } catch (IllegalArgumentException e) {
            // A name that somebody else gave.
            return Optional.empty();
        }
        return Stream.of(Scope.values())
                .filter(each -> parts.length > 1
                        && each.word.toLowerCase(Locale.ROOT).equals(parts[1])
                        && (each == Scope.ALL) == hash.isEmpty())
                .findFirst()
                .map(each -> of.ended.find(each, hash))
                .map(of::end);
    }

    /**
     * Adds what another gateway has ended, when it is of a client that this one is.
     *
     * @throws IOException it counts, and would be forgotten with a restart
     */
    public void merge(SessionEnd end) throws IOException {
        Of of = clients.get(SessionEnd.client(end.issuer(), end.clientId()));
        if (of != null) {
            of.ended.merge(new EndedSessions.Entry(end.scope(), end.hash(), end.atMillis(), end.untilMillis()));
        }
    }

    /** Whether it need not be known by its name, as all sessions that began until then have ended. */
    public boolean covers(SessionEnd end) {
        if (end.scope() == Scope.ALL) {
            return false;
        }
        Of of = clients.get(SessionEnd.client(end.issuer(), end.clientId()));
        EndedSessions.Entry all = of == null ? null : of.ended.find(Scope.ALL, "");
        return all != null && end.atMillis() <= all.atMillis();
    }
}
