package dev.coppice.distribution.membership;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * All addresses (A and AAAA) of a DNS name, at one port: a headless Service of Kubernetes, or a name that somebody keeps.
 *
 * @param resolver asks the system's resolver, or a test's
 */
public record DnsStrategy(String host, int port, Resolver resolver) implements Strategy {

    /** Looks up a name. */
    @FunctionalInterface
    public interface Resolver {
        InetAddress[] lookUp(String host) throws UnknownHostException;
    }

    public DnsStrategy(String host, int port) {
        this(host, port, InetAddress::getAllByName);
    }

    @Override
    public Set<InetSocketAddress> discover() throws IOException {
        Set<InetSocketAddress> found = new LinkedHashSet<>();
        for (InetAddress each : resolver.lookUp(host)) {
            found.add(new InetSocketAddress(each, port));
        }
        return found;
    }
}
