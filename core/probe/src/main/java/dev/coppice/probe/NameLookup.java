package dev.coppice.probe;

import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;

/** Turns a name into addresses. Safe for use by many threads; blocks, but never longer than it is told. */
@FunctionalInterface
public interface NameLookup {

    /**
     * The addresses of a name, best first; never empty.
     *
     * @throws IOException in words for the user, when there are none
     */
    List<InetAddress> lookup(String host, AddressFamily family, Duration timeout)
            throws IOException, InterruptedException;
}
