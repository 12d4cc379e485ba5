package dev.coppice.console;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What the overview tells about the node.
 *
 * @param addresses by what is there, such as {@code API}; in the order given
 */
public record NodeInfo(String name, String version, Map<String, String> addresses) {
    public NodeInfo {
        addresses = Collections.unmodifiableMap(new LinkedHashMap<>(addresses));
    }
}
