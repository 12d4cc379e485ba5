package dev.coppice.distribution;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A claim on a name that is under way. Guarded by {@link ClusterNames}. */
final class NameClaim {
    final String name;
    final CompletableFuture<Boolean> result = new CompletableFuture<>();

    /** Of the present attempt. */
    long number;

    @Nullable
    NodeId first;

    final Set<NodeId> asked = new HashSet<>();
    final Set<NodeId> awaited = new HashSet<>();

    NameClaim(String name) {
        this.name = name;
    }
}
