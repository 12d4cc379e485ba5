package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.ChallengeConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.route.RoutingTable;
import io.netty.handler.ssl.SslContext;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What ACME servers may see now at a port: files by host name and token, certificates by host name. Immutable. */
final class PendingChallenges {
    /** Where the files are (RFC 8555, 8.3). */
    private static final String PLACE = "/.well-known/acme-challenge/";

    private record Name(String host, String token) {}

    private final Map<Name, String> files = new HashMap<>();
    private final Map<String, SslContext> certificates = new HashMap<>();

    private PendingChallenges() {}

    /** Those at a port; null when there are none. A name's are shown by the listener that the name belongs to, and by no other. */
    static @Nullable PendingChallenges of(
            List<ChallengeConfig> all, List<ListenerConfig> sharing, boolean secure, ChallengeContexts contexts) {
        RoutingTable<?> table = new RoutingTable<>(
                sharing.stream().map(each -> each.with(List.of())).toList(), (_, _, rule) -> rule);
        PendingChallenges made = new PendingChallenges();
        for (ChallengeConfig each : all) {
            ListenerConfig listener = table.listener(each.host());
            if (listener == null || !each.at(listener)) {
                continue;
            }
            if (each.type() == ChallengeConfig.Type.HTTP && !secure) {
                String _ = made.files.putIfAbsent(new Name(each.host(), each.token()), each.key());
            } else if (each.type() == ChallengeConfig.Type.TLS
                    && secure
                    && !passes(listener)
                    && !made.certificates.containsKey(each.host())) {
                SslContext context = contexts.of(each, listener.protocol() == ListenerConfig.Protocol.TLS);
                if (context != null) {
                    made.certificates.put(each.host(), context);
                }
            }
        }
        return made.files.isEmpty() && made.certificates.isEmpty() ? null : made;
    }

    /** Who is behind a stream that is passed through speaks for its names. */
    private static boolean passes(ListenerConfig listener) {
        return listener.protocol() == ListenerConfig.Protocol.TLS && listener.tls() == null;
    }

    /** What a request is to be answered with; null: it is not for a challenge. */
    @Nullable
    String file(RequestTarget asked) {
        String path = asked.path();
        if (files.isEmpty() || !path.startsWith(PLACE)) {
            return null;
        }
        return files.get(new Name(asked.authority().host(), path.substring(PLACE.length())));
    }

    /** Whether connections may be for challenges. */
    boolean secure() {
        return !certificates.isEmpty();
    }

    /** The certificate for a server name; null: there is none. */
    @Nullable
    SslContext certificate(String serverName) {
        return certificates.get(serverName);
    }
}
