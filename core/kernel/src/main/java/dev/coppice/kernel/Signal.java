package dev.coppice.kernel;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** What reaches a process beside its mail, and before it. */
sealed interface Signal extends KernelMail {

    /** Completes what waits for an answer that will not come. */
    default void forget() {}

    /** The supervisor wants it to end. */
    record Stop() implements Signal {}

    /**
     * A linked process ended, or somebody wants this one to. Once the process traps exits they come as mail, in order with
     * their senders' other mail.
     */
    record Exit(@Nullable ProcessRef<?> from, ExitReason reason) implements Signal {}

    /** Mail is to be kept back, or no longer. */
    record Suspend(boolean on) implements Signal {}

    /** Somebody wants to see its state. */
    record Describe(CompletableFuture<Optional<Object>> answer) implements Signal {
        void complete(@Nullable Object state) {
            answer.complete(Optional.ofNullable(state));
        }

        @Override
        public void forget() {
            complete(null);
        }
    }
}
