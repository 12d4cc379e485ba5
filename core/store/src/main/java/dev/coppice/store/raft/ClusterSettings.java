package dev.coppice.store.raft;

import java.time.Duration;
import java.util.Map;
import java.util.function.Function;

/**
 * How a member takes part in a cluster of several.
 *
 * @param services where what others send comes in
 * @param transport makes the way to the others, from where each of them listens
 * @param founders the members that begin the cluster, by identifier, and where each listens; empty for one that joins
 * @param peerUrl where others reach this member, such as {@code https://host:2380}
 * @param election how long a follower hears nothing from its leader before it asks for votes; up to half more by chance. A
 *     leader whose node refuses connections is waited for a third of that, see {@link LeaderWatch}
 */
public record ClusterSettings(
        PeerServices services,
        Function<PeerAddresses, PeerTransport> transport,
        Map<Long, String> founders,
        String peerUrl,
        Duration election) {

    public static final Duration DEFAULT_ELECTION = Duration.ofSeconds(1);

    public ClusterSettings {
        founders = Map.copyOf(founders);
    }
}
