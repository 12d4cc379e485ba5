package dev.coppice.kernel;

/**
 * How a process runs. Immutable; the with-methods copy.
 *
 * @param mode what thread it has
 * @param mailbox messages that may wait, at least 1
 * @param overflow what happens to the sender when the mailbox is full
 */
public record ProcessOptions(Mode mode, int mailbox, Overflow overflow) {

    /** On demand, with a mailbox of 1,024 messages that makes senders wait when it is full. */
    public static final ProcessOptions DEFAULT = new ProcessOptions(Mode.ON_DEMAND, 1024, Overflow.BLOCK);

    /** What thread a process has. */
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

    /** What a full mailbox does with a message. */
    public enum Overflow {
        /** The sender waits. */
        BLOCK,
        /** The message is dropped and counted. */
        DROP,
        /** The sender gets a {@link MailboxFullException}. */
        REJECT
    }

    public ProcessOptions {
        if (mailbox < 1) {
            throw new IllegalArgumentException("mailbox " + mailbox + " must have room for at least 1 message");
        }
    }

    /** The thread that it has. */
    public ProcessOptions withMode(Mode mode) {
        return new ProcessOptions(mode, mailbox, overflow);
    }

    /** At most so many messages that wait, and what happens then. */
    public ProcessOptions withMailbox(int mailbox, Overflow overflow) {
        return new ProcessOptions(mode, mailbox, overflow);
    }
}
