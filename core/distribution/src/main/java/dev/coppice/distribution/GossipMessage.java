package dev.coppice.distribution;

import dev.coppice.distribution.membership.Rumour;
import java.util.List;

/** What a node knows of others. */
record GossipMessage(List<Rumour> rumours) {}
