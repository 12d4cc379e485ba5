package dev.coppice.distribution;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/** The types of sharded processes that a node knows, and which nodes host them. Safe for use by many threads. */
final class ShardTypes {
    private static final int MAX_DIFFERENT_TYPES = 1_000;

    private final Shards.Surroundings around;
    private final Supplier<Collection<Peer>> peers;
    private final Map<String, Shards<?>> types = new ConcurrentHashMap<>();
    private final Map<NodeId, Set<String>> hosting = new ConcurrentHashMap<>();

    /** @param peers those that are connected now */
    ShardTypes(Shards.Surroundings around, Supplier<Collection<Peer>> peers) {
        this.around = around;
        this.peers = peers;
    }

    @SuppressWarnings("unchecked")
    <M> Shards<M> of(String type) {
        Shards<?> known = types.computeIfAbsent(type, _ -> {
            Shards<M> made = new Shards<>(type, around);
            hosting.forEach((node, hosted) -> made.present(node, hosted.contains(type)));
            return made;
        });
        return (Shards<M>) known;
    }

    /** Processes that live on this node. */
    int local() {
        return types.values().stream().mapToInt(Shards::local).sum();
    }

    // ---- who hosts what

    private byte[] hostedHere() {
        Set<String> own = new TreeSet<>();
        types.forEach((type, each) -> {
            if (each.hosted()) {
                own.add(type);
            }
        });
        return Distribution.shardFrame(new ShardMessage.Hosting(own));
    }

    /** Tells all nodes which types this one hosts. */
    void tellHosting() {
        byte[] frame = hostedHere();
        peers.get().forEach(peer -> peer.urgent(frame));
    }

    void up(Peer peer) {
        peer.urgent(hostedHere());
    }

    void down(NodeId node) {
        hosting.remove(node);
        types.values().forEach(each -> each.down(node));
    }

    /** Hosts again what it has hosted. */
    void resume() {
        types.values().forEach(Shards::resume);
        tellHosting();
    }

    /** Hosts nothing any more; gives what has to be handed over. */
    List<Shards<?>> leave() {
        List<Shards<?>> hosted = types.values().stream().filter(Shards::hosted).toList();
        hosted.forEach(each -> each.host(null));
        tellHosting();
        return hosted;
    }

    // ---- messages

    /** A message about shards of another node. */
    void received(NodeId from, ShardMessage message) {
        switch (message) {
            case ShardMessage.Hosting known -> {
                Set<String> all = Set.copyOf(
                        known.types().stream().limit(MAX_DIFFERENT_TYPES).toList());
                hosting.put(from, all);
                types.forEach((type, each) -> each.present(from, all.contains(type)));
            }
            case ShardMessage.Acquire acquire -> {
                Shards<?> each = types.get(acquire.type());
                if (each != null) {
                    each.received(from, acquire);
                } else {
                    // Nothing of this type was ever here.
                    acquire.slots()
                            .forEach(ask -> around.wire()
                                    .send(
                                            from,
                                            new ShardMessage.Released(
                                                    acquire.type(),
                                                    ask.slot(),
                                                    ask.round(),
                                                    List.of(),
                                                    true,
                                                    List.of(),
                                                    0)));
                }
            }
            case ShardMessage.Withdraw withdraw -> {
                Shards<?> each = types.get(withdraw.type());
                if (each != null) {
                    each.received(from, withdraw);
                } else {
                    around.wire().send(from, new ShardMessage.Withdrawn(withdraw.type(), withdraw.slots()));
                }
            }
            case ShardMessage.Released released -> pass(released.type(), from, released);
            case ShardMessage.Withdrawn withdrawn -> pass(withdrawn.type(), from, withdrawn);
            case ShardMessage.Parked parked -> pass(parked.type(), from, parked);
            case ShardMessage.Route route -> {
                Shards<?> each = types.get(route.type());
                if (each == null) {
                    around.dropped().accept("shard_lost");
                } else {
                    each.routed(route);
                }
            }
        }
    }

    private void pass(String type, NodeId from, ShardMessage message) {
        Shards<?> each = types.get(type);
        if (each != null) {
            each.received(from, message);
        }
    }
}
