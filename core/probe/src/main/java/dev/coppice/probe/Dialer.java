package dev.coppice.probe;

import dev.coppice.probe.ProbeResult.Outcome;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Opens connections: resolves, asks the address policy, connects to the address it judged. Safe for many threads. */
final class Dialer {
    /** More addresses than this are not tried, so that a name with a hundred dead ones fails in words, not by time. */
    private static final int ADDRESSES_MAX = 4;

    private final NameLookup names;
    private final AddressPolicy policy;

    Dialer(NameLookup names, AddressPolicy policy) {
        this.names = names;
        this.policy = policy;
    }

    /** The permitted addresses of a host, best first; never empty. */
    List<InetAddress> resolve(Attempt attempt, String host, AddressFamily family)
            throws ProbeFailure, IOException, InterruptedException {
        attempt.step(Attempt.Step.RESOLVING);
        var literal = literal(host);
        var found = literal == null ? names.lookup(host, family, attempt.remaining()) : List.of(literal);
        if (literal != null) {
            requireFamily(literal, family);
        }
        String refusal = null;
        List<InetAddress> permitted = found;
        for (var address : found) {
            var reason = policy.refusal(address);
            if (reason != null) {
                refusal = reason;
                permitted =
                        found.stream().filter(a -> policy.refusal(a) == null).toList();
                break;
            }
        }
        if (permitted.isEmpty()) {
            throw new ProbeFailure(
                    Outcome.REFUSED_ADDRESS,
                    "the address policy refuses to probe \"" + host + "\": " + refusal
                            + "; an administrator can allow it");
        }
        return permitted;
    }

    private static void requireFamily(InetAddress address, AddressFamily family) throws ProbeFailure {
        boolean four = address instanceof Inet4Address;
        if (family == AddressFamily.ONLY_IPV4 && !four || family == AddressFamily.ONLY_IPV6 && four) {
            throw new ProbeFailure(
                    Outcome.UNRESOLVED,
                    address.getHostAddress() + " is an IPv" + (four ? 4 : 6) + " address, but only IPv" + (four ? 6 : 4)
                            + " may be used");
        }
    }

    /** An address when the host is one; null for a name. */
    static @Nullable InetAddress literal(String host) {
        int length = host.length();
        if (length == 0) {
            return null;
        }
        char last = host.charAt(length - 1);
        boolean bracketed = host.charAt(0) == '[' && last == ']';
        if (!bracketed && host.indexOf(':') < 0 && (last < '0' || last > '9')) {
            return null;
        }
        try {
            return InetAddress.ofLiteral(bracketed ? host.substring(1, length - 1) : host);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    /** Connects without TLS. The caller closes it. */
    Connection connect(Attempt attempt, String host, int port, AddressFamily family)
            throws ProbeFailure, IOException, InterruptedException {
        return connectPinned(attempt, resolve(attempt, host, family), port);
    }

    /** Connects to one of these addresses, which the policy has judged. The caller closes it. */
    Connection connectPinned(Attempt attempt, List<InetAddress> addresses, int port) throws ProbeFailure, IOException {
        attempt.step(Attempt.Step.CONNECTING);
        int tries = Math.min(addresses.size(), ADDRESSES_MAX);
        IOException last = null;
        for (int i = 0; i < tries; i++) {
            var address = addresses.get(i);
            attempt.address(address);
            // Happy eyeballs, light: one after the other, each with its share of what is left of the time.
            int share = Math.max(1, attempt.remainingMillis() / (tries - i));
            var socket = new Socket();
            try {
                attempt.guard(socket);
                socket.connect(new InetSocketAddress(address, port), share);
                return new Connection(socket, "");
            } catch (IOException e) {
                Attempt.closeQuietly(socket);
                last = e;
            }
        }
        throw last == null ? new IOException("no address to connect to") : last;
    }

    /** Connects and, with a TLS client, shakes hands. The caller closes it. */
    Connection connect(
            Attempt attempt, String host, int port, AddressFamily family, @Nullable TlsClient tls, String... protocols)
            throws ProbeFailure, IOException, InterruptedException {
        var plain = connect(attempt, host, port, family);
        if (tls == null) {
            return plain;
        }
        try {
            return tls.handshake(attempt, plain, host, port, protocols);
        } catch (IOException | RuntimeException | ProbeFailure e) {
            Attempt.closeQuietly(plain);
            throw e;
        }
    }
}
