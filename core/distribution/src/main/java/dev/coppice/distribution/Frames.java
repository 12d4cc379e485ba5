package dev.coppice.distribution;

import dev.coppice.distribution.codec.ByteReader;
import dev.coppice.distribution.codec.ByteWriter;
import dev.coppice.distribution.codec.MessageException;

/** What nodes send each other: a frame is one octet that tells its sort, then its content. */
final class Frames {
    /** The sort and version of this protocol; other versions are refused. */
    static final int VERSION = 1;

    /** The most bytes of a frame: a message and where it goes. */
    static final int MAX_BYTES = (1 << 20) + 4096;

    // Making a connection.
    static final int HELLO = 1;
    static final int WELCOME = 2;
    static final int REFUSAL = 3;
    static final int CONFIRMATION = 4;

    // Processes.
    static final int CAST = 16;
    static final int CALL = 17;
    static final int ANSWER = 18;
    static final int FAILURE = 19;
    static final int MONITOR = 20;
    static final int DEMONITOR = 21;
    static final int DOWN = 22;
    static final int EXIT = 23;
    static final int LINK = 24;
    static final int UNLINK = 25;
    static final int EXIT_OF_LINK = 26;
    static final int SUSPEND = 27;
    static final int RESUME = 28;

    /** A message of one part of the distribution (names, groups, shards) to the same part of the other node. */
    static final int CONTROL = 32;

    private Frames() {}

    static ByteWriter frame(int sort) {
        return new ByteWriter(MAX_BYTES).octet(sort);
    }

    static void write(ByteWriter out, NodeId node) {
        out.text(node.name()).fixed(node.incarnation());
    }

    static NodeId node(ByteReader in) {
        String name = in.text();
        if (name.isEmpty() || name.length() > 253) {
            throw new MessageException("a node's name of " + name.length() + " characters");
        }
        return new NodeId(name, in.fixed());
    }
}
