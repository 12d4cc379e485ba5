package dev.coppice.distribution;

import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Optional;

/**
 * Which node an identifier belongs to: identifiers are spread over slots by a hash, slots over nodes by rendezvous hashing
 * (highest random weight), so that a node that comes or goes moves only its own share. All nodes that see the same nodes
 * decide alike; and when one sees more than another, they differ only about what belongs to nodes that one of them lacks.
 *
 * @see <a href="https://www.microsoft.com/en-us/research/wp-content/uploads/2017/02/HRW98.pdf">Thaler and Ravishankar,
 *     Using name-based mappings to increase hit rates (1998)</a>
 */
final class ShardRing {
    static final int SLOTS = 256;

    private ShardRing() {}

    static int slot(String id) {
        return (int) (mix(hash(id)) >>> 56);
    }

    static Optional<NodeId> owner(String type, int slot, Collection<NodeId> nodes) {
        NodeId best = null;
        long bestWeight = 0;
        for (NodeId each : nodes) {
            long weight = mix(hash(each.name()) ^ mix(hash(type) + slot));
            boolean better = best == null
                    || Long.compareUnsigned(weight, bestWeight) > 0
                    || weight == bestWeight && each.compareTo(best) < 0;
            if (better) {
                best = each;
                bestWeight = weight;
            }
        }
        return Optional.ofNullable(best);
    }

    /** FNV-1a. */
    private static long hash(String text) {
        long hash = 0xcbf29ce484222325L;
        for (byte each : text.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ each & 0xFF) * 0x100000001b3L;
        }
        return hash;
    }

    /** The finalizer of SplitMix64. */
    private static long mix(long value) {
        long z = value + 0x9e3779b97f4a7c15L;
        z = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
        z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
        return z ^ z >>> 31;
    }
}
