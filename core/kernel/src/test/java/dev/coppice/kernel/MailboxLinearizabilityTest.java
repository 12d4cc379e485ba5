package dev.coppice.kernel;

import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicInteger;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.Validate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The mailbox under Lincheck: a queue for many senders and one receiver, which never holds more than its limit. */
public final class MailboxLinearizabilityTest {
    /** A mailbox without a process behind it, which only a full one would ask for. */
    private static final class Mailbox extends MailRun<Integer> {
        private final int limit;
        private @Nullable Node batch;

        @SuppressWarnings("NullAway")
        Mailbox(int limit) {
            super(null);
            this.limit = limit;
        }

        /** The next message, taken as the loop of a process does. */
        @Nullable
        Integer receive() {
            if (batch == null) {
                batch = takeAll();
            }
            Node node = batch;
            if (node == null) {
                return null;
            }
            batch = node.next;
            release(1);
            return (Integer) node.item;
        }

        @Override
        ProcessOptions options() {
            return ProcessOptions.DEFAULT.withMailbox(limit, ProcessOptions.Overflow.DROP);
        }

        @Override
        void exitSignal(@Nullable ProcessRef<?> from, ExitReason reason) {}

        @Override
        void wake() {}

        @Override
        boolean receiving() {
            return false;
        }

        @Override
        void start() {}

        @Override
        void requestStop() {}

        @Override
        void kill() {}
    }

    /** With room for all. */
    public static final class Wide {
        private final Mailbox mailbox = new Mailbox(1_000);

        @Operation
        public void send(@Param(gen = IntGen.class, conf = "1:9") int message) {
            mailbox.send(message);
        }

        @Operation
        public void sendAlways(@Param(gen = IntGen.class, conf = "1:9") int message) {
            mailbox.sendAlways(message);
        }

        @Operation
        public void sendTwo(
                @Param(gen = IntGen.class, conf = "1:9") int first,
                @Param(gen = IntGen.class, conf = "1:9") int second) {
            mailbox.sendAllFromTimers(new MailRun.Node(second, new MailRun.Node(first, null)));
        }

        @Operation(nonParallelGroup = "receiver")
        public @Nullable Integer receive() {
            return mailbox.receive();
        }
    }

    /** Senders, while nobody receives, have exactly the room there is. */
    public static final class Full {
        private final Mailbox mailbox = new Mailbox(3);

        @Operation
        public boolean offer(@Param(gen = IntGen.class, conf = "1:9") int message) {
            return mailbox.offer(message);
        }

        @Operation
        public int size() {
            return mailbox.mailbox();
        }
    }

    /** Room is taken before mail is there, and given back after it was taken, so only the bound is sure. */
    public static final class Narrow {
        private static final int LIMIT = 2;
        private final Mailbox mailbox = new Mailbox(LIMIT);
        private final AtomicInteger inside = new AtomicInteger();

        @Operation
        public void offer(@Param(gen = IntGen.class, conf = "1:9") int message) {
            if (mailbox.offer(message)) {
                inside.getAndIncrement();
            }
        }

        @Operation(nonParallelGroup = "receiver")
        public void receive() {
            if (mailbox.receive() != null) {
                inside.getAndDecrement();
            }
        }

        @Validate
        public void holdsWhatWasAcceptedAndNoMore() {
            if (inside.get() > LIMIT || inside.get() != mailbox.mailbox()) {
                throw new IllegalStateException(inside + " messages, counted as " + mailbox.mailbox());
            }
        }
    }

    /** One thread, an ordinary queue. */
    public static final class Sequential {
        private final ArrayDeque<Integer> queue = new ArrayDeque<>();

        public void send(int message) {
            queue.add(message);
        }

        public void sendAlways(int message) {
            queue.add(message);
        }

        public void sendTwo(int first, int second) {
            queue.add(first);
            queue.add(second);
        }

        public @Nullable Integer receive() {
            return queue.poll();
        }

        public boolean offer(int message) {
            return queue.size() < 3 && queue.add(message);
        }

        public int size() {
            return queue.size();
        }
    }

    /** What a narrow mailbox tells nobody. */
    public static final class Silent {
        public void offer(int message) {}

        public void receive() {}
    }

    @Test
    @DisplayName("a mailbox is a linearizable queue")
    void queue() {
        Linearizability.modelCheck(Wide.class, Sequential.class);
    }

    @Test
    @DisplayName("a mailbox is a linearizable queue when senders really run beside each other")
    void queueUnderStress() {
        Linearizability.stress(Wide.class, Sequential.class);
    }

    @Test
    @DisplayName("senders get exactly the room that a mailbox has")
    void room() {
        Linearizability.modelCheck(Full.class, Sequential.class);
    }

    @Test
    @DisplayName("a mailbox never holds more than its limit")
    void limit() {
        Linearizability.modelCheck(Narrow.class, Silent.class);
    }
}
