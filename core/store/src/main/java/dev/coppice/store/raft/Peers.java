package dev.coppice.store.raft;

import dev.coppice.store.wire.AskRequest;
import dev.coppice.store.wire.AskResponse;
import java.util.function.Function;

/**
 * What the log of a cluster's member needs to know of the others.
 *
 * @param memberId this member's identifier
 * @param addresses where a member listens, by its name in the Raft library
 * @param answering answers what others ask this member, beside Raft
 */
record Peers(
        ClusterSettings settings,
        long memberId,
        PeerAddresses addresses,
        Function<AskRequest, AskResponse> answering) {}
