package dev.coppice.distribution.membership;

import java.net.InetSocketAddress;
import java.util.Optional;

/** Addresses as text: {@code HOST:PORT}, with brackets around an IPv6 address. */
public final class Addresses {
    private Addresses() {}

    public static String text(InetSocketAddress address) {
        String host = address.getHostString();
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + address.getPort();
    }

    /** Unresolved; empty when it is no address. */
    public static Optional<InetSocketAddress> parse(String text) {
        int colon = text.lastIndexOf(':');
        if (colon <= 0 || text.length() > 262) {
            return Optional.empty();
        }
        String host = text.substring(0, colon);
        boolean bracketed = host.startsWith("[") && host.endsWith("]");
        if (!bracketed && (host.contains(":") || !host.matches("[A-Za-z0-9._-]+"))) {
            return Optional.empty();
        }
        try {
            int port = Integer.parseInt(text.substring(colon + 1));
            return port < 1 || port > 65_535
                    ? Optional.empty()
                    : Optional.of(InetSocketAddress.createUnresolved(
                            bracketed ? host.substring(1, host.length() - 1) : host, port));
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }
}
