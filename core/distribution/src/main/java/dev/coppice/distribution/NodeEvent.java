package dev.coppice.distribution;

/** A node was connected, or lost. */
public sealed interface NodeEvent {
    NodeId node();

    record Up(NodeId node) implements NodeEvent {}

    /** @param reason for people */
    record Down(NodeId node, String reason) implements NodeEvent {}
}
