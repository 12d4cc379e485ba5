package dev.coppice.kernel.stage;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** What a message under way owes to the produced messages that it came of. Safe for use by many threads. */
sealed interface Claim {
    Claim NONE = new None();

    /** One more message under way owes. */
    void fork(int more);

    /** A message under way is done, or given up. */
    void settle(@Nullable Throwable failure);

    /** Owed to nobody. */
    record None() implements Claim {
        @Override
        public void fork(int more) {}

        @Override
        public void settle(@Nullable Throwable failure) {}
    }

    /** Owed to the producer of one message. */
    final class Ticket extends AtomicInteger implements Claim {
        private static final long serialVersionUID = 1;
        /** Far below 0, so that a replaced worker that goes on for a while does not settle it again. */
        private static final int OVER = Integer.MIN_VALUE / 2;

        private final transient BiConsumer<Object, @Nullable Throwable> producer;
        private final transient Object message;
        private transient volatile @Nullable Throwable failure;

        Ticket(BiConsumer<Object, @Nullable Throwable> producer, Object message) {
            this.producer = producer;
            this.message = message;
        }

        @Override
        public void fork(int more) {
            addAndGet(more);
        }

        @Override
        public void settle(@Nullable Throwable why) {
            if (why != null) {
                failure = why;
            }
            if (decrementAndGet() == 0 && compareAndSet(0, OVER)) {
                producer.accept(message, failure);
            }
        }
    }

    /** What the messages of a batch owe, in their order. */
    record Joint(Claim[] each) implements Claim {
        @Override
        public void fork(int more) {
            for (Claim claim : each) {
                claim.fork(more);
            }
        }

        @Override
        public void settle(@Nullable Throwable failure) {
            for (Claim claim : each) {
                claim.settle(failure);
            }
        }
    }

    /** Settled by somebody else, later; counts once. */
    final class Promise implements Completion {
        private final AtomicReference<@Nullable Claim> claim;
        private final Runnable then;

        Promise(Claim claim, Runnable then) {
            this.claim = new AtomicReference<>(claim);
            this.then = then;
        }

        @Override
        public void settle(@Nullable Throwable failure) {
            Claim owed = claim.getAndSet(null);
            if (owed != null) {
                try {
                    owed.settle(failure);
                } finally {
                    then.run();
                }
            }
        }
    }
}
