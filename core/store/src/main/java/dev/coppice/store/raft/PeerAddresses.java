package dev.coppice.store.raft;

import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/** Where members listen. */
@FunctionalInterface
public interface PeerAddresses {

    /** Of the member of that name in the Raft library, unresolved; null when it is not known. */
    @Nullable
    InetSocketAddress of(String peer);
}
