package dev.coppice.distribution.membership;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Set;

/** How a node finds the addresses of others; its own may be among them. Asked by one thread at a time; may block. */
public interface Strategy {

    /** Where nodes are now, unresolved host names included, which are looked up with each connection. */
    Set<InetSocketAddress> discover() throws IOException;

    /** How long after one look the next one follows. */
    default Duration interval() {
        return Duration.ofSeconds(5);
    }
}
