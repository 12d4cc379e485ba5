package dev.coppice.kernel;

/**
 * How a process runs.
 *
 * @param mode what thread it has
 * @param mailbox messages that may wait
 * @param overflow what happens to the sender when the mailbox is full
 */
public record ProcessOptions(Mode mode, int mailbox, Overflow overflow) {

    public static final ProcessOptions DEFAULT = new ProcessOptions(Mode.ON_DEMAND, 1024, Overflow.BLOCK);

    public enum Mode {
        /** A virtual thread only while there is mail. */
        ON_DEMAND,
        /** A virtual thread of its own. */
        DEDICATED,
        /**
         * A thread of the operating system of its own, for a handler that computes for long: Java cannot take the processor
         * away from a virtual thread, so such a handler on one would hold up others.
         */
        ISOLATED
    }

    public enum Overflow {
        /** The sender waits. */
        BLOCK,
        /** The message is dropped and counted. */
        DROP,
        /** The sender gets a {@link MailboxFullException}. */
        REJECT
    }

    public ProcessOptions withMode(Mode mode) {
        return new ProcessOptions(mode, mailbox, overflow);
    }

    public ProcessOptions withMailbox(int mailbox, Overflow overflow) {
        return new ProcessOptions(mode, mailbox, overflow);
    }
}
