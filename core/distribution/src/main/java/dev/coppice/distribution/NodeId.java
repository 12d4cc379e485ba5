package dev.coppice.distribution;

/**
 * A life of a node: a node that was restarted is another one, in which the processes of the former are dead.
 *
 * @param name of the node, unique in the cluster
 * @param incarnation differs from that of every other life of this node
 */
public record NodeId(String name, long incarnation) implements Comparable<NodeId> {

    @Override
    public int compareTo(NodeId other) {
        int byName = name.compareTo(other.name);
        return byName != 0 ? byName : Long.compare(incarnation, other.incarnation);
    }

    @Override
    public String toString() {
        return name;
    }
}
