package dev.coppice.control.storage;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.function.UnaryOperator;

/** Where the caches of types come from that are made while the node runs. Safe for use by many threads. */
public interface Caches {

    /**
     * A cache of what is stored below a prefix, filled.
     *
     * @param decode makes the served form of the stored version (defaults); applied once per change
     */
    ResourceCache cache(String prefix, boolean namespaced, UnaryOperator<ObjectNode> decode);

    /** Forgets a cache and ends its watches. */
    void remove(ResourceCache cache);
}
