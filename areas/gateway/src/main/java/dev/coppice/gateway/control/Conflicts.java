package dev.coppice.gateway.control;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Finds listeners of one Gateway that traffic could not be told apart for. Within one object all of them lose; between a Gateway
 * and its ListenerSets the earlier object wins.
 */
final class Conflicts {
    private Conflicts() {}

    /** @param owners the listeners of the Gateway, then those of each of its sets, in the order in which they win */
    static void find(List<List<ListenerState>> owners) {
        List<ListenerState> winners = new ArrayList<>();
        for (List<ListenerState> listeners : owners) {
            // What has lost against an earlier object takes nobody of its own along.
            lose(listeners, List.copyOf(winners));
            List<ListenerState> left =
                    listeners.stream().filter(ListenerState::accepted).toList();
            lose(left, left);
            left.stream().filter(ListenerState::accepted).forEach(winners::add);
        }
        overlaps(winners);
    }

    private static void lose(List<ListenerState> listeners, List<ListenerState> others) {
        Map<ListenerState, ListenerState> lost = new IdentityHashMap<>();
        for (ListenerState each : listeners) {
            @Nullable ListenerState other = each.accepted() ? first(each, others) : null;
            if (other != null) {
                lost.put(each, other);
            }
        }
        lost.forEach((each, other) -> {
            String reason = reason(each, other);
            each.conflict(
                    reason == null ? "ProtocolConflict" : reason,
                    "it cannot be told from listener " + other.spec.name() + " of " + other.ownerKind + " "
                            + other.owner + ": both have port " + each.port
                            + ("HostnameConflict".equals(reason)
                                    ? " and the same host name"
                                    : ", with protocols that exclude each other"));
        });
    }

    private static @Nullable ListenerState first(ListenerState listener, List<ListenerState> others) {
        for (ListenerState other : others) {
            if (other != listener && reason(listener, other) != null) {
                return other;
            }
        }
        return null;
    }

    /** Why two listeners conflict; null when they do not. */
    private static @Nullable String reason(ListenerState a, ListenerState b) {
        if (!a.portKey().equals(b.portKey())) {
            return null;
        }
        if (a.protocol.equals("TCP") && b.protocol.equals("TCP") || a.protocol.equals("UDP")) {
            return "ProtocolConflict";
        }
        // HTTPS and TLS are told apart by the host name that clients ask for; plain HTTP is another thing.
        boolean alike = a.protocol.equals(b.protocol) || a.encrypted() && b.encrypted();
        if (!alike) {
            return "ProtocolConflict";
        }
        return a.hostname.equals(b.hostname) ? "HostnameConflict" : null;
    }

    private static void overlaps(List<ListenerState> listeners) {
        List<ListenerState> encrypted = listeners.stream()
                .filter(each -> each.encrypted()
                        && (each.spec.tls() == null || each.spec.tls().terminates()))
                .toList();
        for (ListenerState a : encrypted) {
            for (ListenerState b : encrypted) {
                if (a != b && a.port == b.port && Hostnames.overlap(a.hostname, b.hostname)) {
                    a.overlaps = true;
                }
            }
        }
    }
}
