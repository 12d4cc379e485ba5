package dev.coppice.store.raft;

import dev.coppice.distribution.codec.ByteReader;
import dev.coppice.distribution.codec.ByteWriter;

/**
 * A user's command on its way through a group's log.
 *
 * @param sender the life of a node that sent it
 * @param number of the command, rising with each of this sender
 * @param lowest the sender waits for no answer below
 */
@SuppressWarnings("ArrayRecordComponent")
record GroupCommand(long sender, long number, long lowest, byte[] command) {
    static final int MAX_BYTES = 1 << 20;

    byte[] toBytes() {
        return new ByteWriter(MAX_BYTES + 64)
                .fixed(sender)
                .signed(number)
                .signed(lowest)
                .raw(command)
                .toBytes();
    }

    static GroupCommand of(byte[] bytes) {
        ByteReader in = new ByteReader(bytes);
        long sender = in.fixed();
        long number = in.signed();
        long lowest = in.signed();
        byte[] command = new byte[in.left()];
        System.arraycopy(bytes, bytes.length - command.length, command, 0, command.length);
        return new GroupCommand(sender, number, lowest, command);
    }
}
