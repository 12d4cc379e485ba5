package dev.coppice.distribution;

import dev.coppice.distribution.codec.MessageException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Answers of other nodes that somebody here waits for: those of calls from here, and those that a local function was given
 * away for. Safe for use by many threads.
 */
final class Answers {
    private final AtomicLong numbers = new AtomicLong();
    private final Map<Long, Waiting> waiting = new ConcurrentHashMap<>();
    private final int max;

    Answers(int max) {
        this.max = max;
    }

    /** A call on its way, or a function that another node may call once. */
    final class Waiting implements Consumer<Object> {
        final long number = numbers.incrementAndGet();
        final @Nullable NodeId node;
        final long sinceNanos;
        final CompletableFuture<@Nullable Object> future = new CompletableFuture<>();
        final @Nullable Consumer<Object> local;

        private Waiting(@Nullable NodeId node, @Nullable Consumer<Object> local, long nowNanos) {
            this.node = node;
            this.local = local;
            this.sinceNanos = nowNanos;
        }

        @Override
        public void accept(@Nullable Object answer) {
            if (waiting.remove(number, this)) {
                Consumer<Object> function = local;
                if (function == null) {
                    future.complete(answer);
                } else {
                    tell(function, answer);
                }
            }
        }

        @SuppressWarnings("NullAway") // an answer may be null, as in a local call
        private static void tell(Consumer<Object> function, @Nullable Object answer) {
            function.accept(answer);
        }

        void fail(String why) {
            if (waiting.remove(number, this)) {
                future.completeExceptionally(new MessageException(why));
            }
        }

        void forget() {
            waiting.remove(number, this);
        }
    }

    private Waiting open(@Nullable NodeId node, @Nullable Consumer<Object> local, long nowNanos) {
        if (waiting.size() >= max) {
            throw new MessageException(max + " answers are waited for already");
        }
        Waiting made = new Waiting(node, local, nowNanos);
        waiting.put(made.number, made);
        return made;
    }

    /** A call to a node. */
    Waiting call(NodeId node, long nowNanos) {
        return open(node, null, nowNanos);
    }

    /** A function of this node that is given away. */
    Waiting give(Consumer<Object> local, long nowNanos) {
        return open(null, local, nowNanos);
    }

    @Nullable
    Waiting find(long number) {
        return waiting.get(number);
    }

    void lost(NodeId node) {
        List<Waiting> calls = new ArrayList<>();
        waiting.values().forEach(each -> {
            if (node.equals(each.node)) {
                calls.add(each);
            }
        });
        calls.forEach(each -> each.fail(Reasons.words(new dev.coppice.kernel.ExitReason.NoConnection())));
    }

    /** Forgets functions that were given away so long ago that nobody answers any more. */
    void sweep(long nowNanos, long ageNanos) {
        waiting.values().removeIf(each -> each.local != null && nowNanos - each.sinceNanos > ageNanos);
    }

    int size() {
        return waiting.size();
    }
}
