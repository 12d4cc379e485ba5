package dev.coppice.kernel;

/** A message was refused because the mailbox of its receiver is full. */
public final class MailboxFullException extends RuntimeException {
    public MailboxFullException(String process, int capacity) {
        super("the mailbox of process " + process + " holds " + capacity
                + " messages, its limit; send less, or give it a larger mailbox");
    }
}
