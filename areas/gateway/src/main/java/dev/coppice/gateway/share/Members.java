package dev.coppice.gateway.share;

import dev.coppice.gateway.limit.KeyHash;
import dev.coppice.gateway.limit.KeySecret;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;

/**
 * The nodes that count together. Each key is owned by the one for which the hash of node and key is highest, so that of the keys of those that
 * stay none moves when another one comes or goes, but to the one that came, or from the one that went. Immutable.
 *
 * <p>Source: Thaler and Ravishankar, "Using name-based mappings to increase hit rates" (1998), "rendezvous hashing".
 */
final class Members {
    private final List<String> names;
    private final long[] hashes;
    private final int self;

    /** @param others with or without this one */
    Members(String self, Collection<String> others, KeySecret secret) {
        TreeSet<String> all = new TreeSet<>(others);
        all.add(self);
        this.names = List.copyOf(all);
        this.self = names.indexOf(self);
        this.hashes = new long[names.size()];
        KeyHash hash = secret.hash();
        for (int i = 0; i < hashes.length; i++) {
            hash.begin();
            hash.add(names.get(i));
            hashes[i] = hash.end();
        }
    }

    int size() {
        return hashes.length;
    }

    String name(int index) {
        return names.get(index);
    }

    List<String> names() {
        return names;
    }

    /** The index of this node. */
    int self() {
        return self;
    }

    /** The index of the node that owns a key. */
    int owner(long key) {
        if (hashes.length == 1) {
            return 0;
        }
        int found = 0;
        long highest = Long.MIN_VALUE;
        for (int i = 0; i < hashes.length; i++) {
            long hash = mixed(key ^ hashes[i]);
            if (hash > highest) {
                highest = hash;
                found = i;
            }
        }
        return found;
    }

    /** The last step of SplitMix64 (Steele and others, 2014): keys and names are hashes with a secret already. */
    private static long mixed(long bits) {
        long once = (bits ^ bits >>> 30) * 0xBF58476D1CE4E5B9L;
        long twice = (once ^ once >>> 27) * 0x94D049BB133111EBL;
        return twice ^ twice >>> 31;
    }
}
