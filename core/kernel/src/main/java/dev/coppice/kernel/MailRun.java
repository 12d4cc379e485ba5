package dev.coppice.kernel;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * The mailbox half of a process: bounded, lock-free for senders. A superclass, not a part, to save its header in a million
 * idle processes.
 *
 * <p>Senders push onto a stack by compare-and-set; the one receiver takes the whole stack and turns it around, so mail of
 * one sender stays in order and an idle mailbox is one null field. What senders write is all here, and the receiver touches
 * it once a batch: it is the traffic of this cache line between processors that limits a busy mailbox.
 */
abstract class MailRun<M> extends Run {
    private static final VarHandle INBOX;
    private static final VarHandle DEPTH;
    private static final VarHandle RELATIONS;
    /** Times that a sender lets others run before it waits for room. */
    private static final int YIELDS = 3;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            INBOX = lookup.findVarHandle(MailRun.class, "inbox", Node.class);
            DEPTH = lookup.findVarHandle(MailRun.class, "depth", int.class);
            RELATIONS = lookup.findVarHandle(MailRun.class, "relations", Relations.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** An entry of a stack or, once turned around, of a list. */
    static class Node {
        final Object item;

        @Nullable
        Node next;

        Node(Object item, @Nullable Node next) {
            this.item = item;
            this.next = next;
        }

        /** When it was sent, on {@link System#nanoTime}'s scale, if somebody wanted to know. */
        @Nullable
        Long sentNanos() {
            return null;
        }

        static @Nullable Node reverse(@Nullable Node top) {
            Node reversed = null;
            Node node = top;
            while (node != null) {
                Node following = node.next;
                node.next = reversed;
                reversed = node;
                node = following;
            }
            return reversed;
        }
    }

    /** Mail of a process that is traced. */
    private static final class StampedNode extends Node {
        private final long nanos = System.nanoTime();

        StampedNode(Object item, @Nullable Node next) {
            super(item, next);
        }

        @Override
        Long sentNanos() {
            return nanos;
        }
    }

    private volatile @Nullable Node inbox;
    private volatile int depth;
    private volatile @Nullable Relations relations;

    /** The part of the inbox that the receiver has taken, in order, while it does not work. */
    private @Nullable Node leftover;

    MailRun(ProcessAddress<M> address) {
        super(address);
    }

    abstract ProcessOptions options();

    /** What ties it to others; made when first asked for. */
    final Relations relations() {
        Relations made = relations;
        if (made == null) {
            made = new Relations(this);
            Relations before = (Relations) RELATIONS.compareAndExchange(this, null, made);
            if (before != null) {
                return before;
            }
            ExitReason over = exit();
            if (over != null) {
                made.close(over, "process " + child.path() + " is not alive");
            }
        }
        return made;
    }

    /** What ties it to others, if anything does. */
    final @Nullable Relations ties() {
        return relations;
    }

    /** An exit signal, from a linked process or from anybody. */
    abstract void exitSignal(@Nullable ProcessRef<?> from, ExitReason reason);

    /** Makes sure that the receiver looks at its mail. */
    abstract void wake();

    /** Whether the calling thread is the receiver. */
    abstract boolean receiving();

    /** Sends by the mailbox's policy. */
    final void send(M message) {
        if (tryReserve()) {
            push(message);
        } else if (kernel().wheelTimers().onTimerThread()) {
            sendFromTimer(message);
        } else if (reserve()) {
            push(message);
        }
    }

    /** Sends without blocking the caller, as timers must: waits for room in another thread if need be. */
    final void sendFromTimer(Object item) {
        if (tryReserve()) {
            push(item);
        } else if (options().overflow() == ProcessOptions.Overflow.BLOCK) {
            Thread.ofVirtual().start(() -> {
                if (reserve()) {
                    push(item);
                } else {
                    forget(item);
                }
            });
        } else {
            kernel().meters().mailboxDropped.inc();
            forget(item);
        }
    }

    /** Sends if there is room now, whatever the mailbox's policy; else says so. */
    final boolean offer(M message) {
        if (!tryReserve()) {
            return false;
        }
        push(message);
        return true;
    }

    /** Sends what timers have for it, newest first, without blocking the caller. */
    final void sendAllFromTimers(Node newest) {
        int count = 1;
        Node oldest = newest;
        for (Node next = newest.next; next != null; next = next.next) {
            oldest = next;
            count++;
        }
        if (tryReserve(count)) {
            add(newest, oldest);
            wake();
        } else {
            for (Node n = Node.reverse(newest); n != null; n = n.next) {
                sendFromTimer(n.item);
            }
        }
    }

    private static void forget(Object item) {
        if (item instanceof MailTimer<?> timer) {
            timer.leave();
        }
    }

    /** Delivers what must not be lost, beyond the mailbox's limit. */
    final void sendAlways(Object item) {
        DEPTH.getAndAdd(this, 1);
        push(item);
    }

    /** Delivers into room that was reserved. */
    final void push(Object item) {
        add(item);
        wake();
    }

    private void add(Object item) {
        Node node = node(item, null);
        add(node, node);
    }

    /** An entry that knows when it was sent if somebody traces the process. */
    private Node node(Object item, @Nullable Node next) {
        Relations ties = relations;
        return ties == null || ties.tracer == null ? new Node(item, next) : new StampedNode(item, next);
    }

    /** Adds a list, newest first. */
    private void add(Node newest, Node oldest) {
        Node top;
        do {
            top = inbox;
            oldest.next = top;
        } while (!INBOX.compareAndSet(this, top, newest));
    }

    /** Takes room for one message, by the mailbox's policy; false when the message is to be dropped. */
    final boolean reserve() {
        if (tryReserve()) {
            return true;
        }
        return switch (options().overflow()) {
            case DROP -> {
                kernel().meters().mailboxDropped.inc();
                yield false;
            }
            case REJECT -> throw full();
            case BLOCK -> waitForRoom();
        };
    }

    private MailboxFullException full() {
        kernel().meters().mailboxDropped.inc();
        return new MailboxFullException(child.path(), options().mailbox());
    }

    private boolean tryReserve() {
        return tryReserve(1);
    }

    private boolean tryReserve(int room) {
        int limit = options().mailbox() - room;
        int now;
        do {
            now = depth;
            if (now > limit) {
                return false;
            }
        } while (!DEPTH.compareAndSet(this, now, now + room));
        return true;
    }

    private boolean waitForRoom() {
        if (receiving()) {
            throw full(); // it would wait for itself
        }
        for (int i = 0; i < YIELDS && Thread.currentThread().isVirtual(); i++) {
            Thread.yield();
            if (tryReserve()) {
                return true;
            }
        }
        Relations.Gate waiting = relations().gate;
        synchronized (waiting) {
            waiting.waiting++;
            try {
                while (alive()) {
                    if (tryReserve()) {
                        return true;
                    }
                    waiting.wait();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                kernel().meters().mailboxDropped.inc();
                return false;
            } finally {
                waiting.waiting--;
            }
        }
        kernel().meters().deadLetters.inc();
        return false;
    }

    /** Lets go all senders that wait for room; those of a dead process drop their mail. */
    final void openGate() {
        Relations ties = relations;
        if (ties != null) {
            synchronized (ties.gate) {
                ties.gate.notifyAll();
            }
        }
    }

    final boolean hasMail() {
        return leftover != null || inbox != null;
    }

    /** All mail there is, in order, or null. For the receiver only. */
    final @Nullable Node takeAll() {
        return inbox == null ? null : Node.reverse((Node) INBOX.getAndSet(this, null));
    }

    /** What the receiver kept back when it stopped working. For the receiver only. */
    final @Nullable Node leftover() {
        Node kept = leftover;
        leftover = null;
        return kept;
    }

    /** Keeps back what the receiver took and did not handle. For the receiver only. */
    final void keep(@Nullable Node rest) {
        leftover = rest;
    }

    /** Gives room back. Senders that wait are let go when half of the mailbox is free: each at once would cost more. */
    final void release(int room) {
        DEPTH.getAndAdd(this, -room);
        Relations ties = relations;
        if (ties != null && ties.gate.waiting > 0 && depth <= options().mailbox() >> 1) {
            synchronized (ties.gate) {
                ties.gate.notifyAll();
            }
        }
    }

    /** Drops all mail; gives its number. For the receiver only. */
    final int dropMail() {
        int dropped = 0;
        for (Node n = leftover; n != null; n = n.next) {
            dropped++;
        }
        leftover = null;
        for (Node n = (Node) INBOX.getAndSet(this, null); n != null; n = n.next) {
            dropped++;
        }
        return dropped;
    }

    @Override
    int mailbox() {
        return depth;
    }
}
