package dev.coppice.acceptance.fault;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Looks for an order of the operations of a history that respects real time and explains every answer: the algorithm of
 * Wing and Gong with Lowe's memory of what was tried already. Operations of unknown outcome may come anywhere after their
 * invocation, or nowhere.
 *
 * <p>The search is exponential at worst: histories are to be split by key before, and the number of configurations that are
 * tried is bounded.
 *
 * @see <a href="https://www.cs.ox.ac.uk/people/gavin.lowe/LinearizabiltyTesting/paper.pdf">Testing for linearizability</a>
 */
final class LinearizabilityChecker<S, I, O> {

    /** Each costs about 200 bytes of memory. */
    static final int DEFAULT_MAX_CONFIGURATIONS = 300_000;

    private final Model<S, I, O> model;
    private final List<Operation<I, O>> operations;
    private final int maxConfigurations;
    private final Entry head = new Entry(-1, 0, false);
    private final Entry[] returns;
    private final BitSet done = new BitSet();
    private final List<Choice<S>> choices = new ArrayList<>();
    private final Set<Configuration<S>> tried = new HashSet<>();
    private List<Integer> longest = List.of();
    private List<Integer> stuck = List.of();

    private record Configuration<S>(BitSet done, S state) {
        /** That of {@link BitSet} folds bits onto each other that are set together often. */
        @Override
        public int hashCode() {
            long hash = state.hashCode();
            for (long word : done.toLongArray()) {
                hash = Long.rotateLeft((hash ^ word) * 0x9E3779B97F4A7C15L, 29);
            }
            return Long.hashCode(hash * 0xBF58476D1CE4E5B9L);
        }
    }

    /** An operation that was put into the order: the state before it, and which of its outcomes was taken. */
    private record Choice<S>(Entry call, S before, int alternative) {}

    /** An invocation or a return, in a doubly linked list by time. */
    private static final class Entry {
        private final int operation;
        private final long nanos;
        private final boolean call;
        private Entry before = this;
        private @Nullable Entry after;

        Entry(int operation, long nanos, boolean call) {
            this.operation = operation;
            this.nanos = nanos;
            this.call = call;
        }

        void remove() {
            before.after = after;
            if (after != null) {
                after.before = before;
            }
        }

        void restore() {
            before.after = this;
            if (after != null) {
                after.before = this;
            }
        }
    }

    private LinearizabilityChecker(Model<S, I, O> model, List<Operation<I, O>> operations, int maxConfigurations) {
        this.model = model;
        this.operations = operations;
        this.maxConfigurations = maxConfigurations;
        this.returns = new Entry[operations.size()];
        List<Entry> entries = new ArrayList<>();
        for (int i = 0; i < operations.size(); i++) {
            Operation<I, O> each = operations.get(i);
            entries.add(new Entry(i, each.invokedNanos(), true));
            if (each.returnedNanos() != Operation.NEVER) {
                returns[i] = new Entry(i, each.returnedNanos(), false);
                entries.add(returns[i]);
            }
        }
        // At the same moment: what is invoked then overlaps with what returns then.
        entries.sort(Comparator.<Entry>comparingLong(each -> each.nanos).thenComparing(each -> !each.call));
        Entry last = head;
        for (Entry each : entries) {
            last.after = each;
            each.before = last;
            last = each;
        }
    }

    static <S, I, O> Verdict check(Model<S, I, O> model, List<Operation<I, O>> operations) {
        return check(model, operations, DEFAULT_MAX_CONFIGURATIONS);
    }

    static <S, I, O> Verdict check(Model<S, I, O> model, List<Operation<I, O>> operations, int maxConfigurations) {
        return new LinearizabilityChecker<>(model, operations, maxConfigurations).search();
    }

    private Verdict search() {
        long open = operations.stream()
                .filter(each -> each.returnedNanos() != Operation.NEVER)
                .count();
        S state = model.initial();
        Entry entry = head.after;
        int alternative = 0;
        long steps = 0;
        while (open > 0) {
            Entry now = entry;
            if (now != null && now.call) {
                List<S> following = outcomes(state, operations.get(now.operation));
                int taken = take(now, following, alternative);
                steps++;
                alternative = 0;
                if (taken < 0) {
                    entry = now.after;
                    continue;
                }
                choices.add(new Choice<>(now, state, taken));
                state = following.get(taken);
                open -= lift(now);
                entry = head.after;
            } else {
                noteStuck();
                if (choices.isEmpty()) {
                    return new Verdict.Violation(texts(longest), texts(stuck));
                }
                Choice<S> undone = choices.removeLast();
                open += lower(undone.call);
                done.clear(undone.call.operation);
                state = undone.before;
                entry = undone.call;
                alternative = undone.alternative + 1;
            }
            if (tried.size() > maxConfigurations) {
                return new Verdict.Undecided(steps);
            }
        }
        return new Verdict.Linearizable(steps);
    }

    /** What may follow; one of unknown outcome that has an end may also have come to nothing. */
    private List<S> outcomes(S state, Operation<I, O> operation) {
        List<S> following = model.step(state, operation.input(), operation.output());
        if (operation.known() || operation.returnedNanos() == Operation.NEVER) {
            return following;
        }
        List<S> withNothing = new ArrayList<>(following);
        withNothing.add(state);
        return withNothing;
    }

    /** The first outcome, from the given one on, that leads to a configuration not tried yet; -1 when there is none. */
    private int take(Entry call, List<S> following, int from) {
        done.set(call.operation);
        for (int i = from; i < following.size(); i++) {
            if (tried.add(new Configuration<>((BitSet) done.clone(), following.get(i)))) {
                return i;
            }
        }
        done.clear(call.operation);
        return -1;
    }

    private int lift(Entry call) {
        call.remove();
        Entry end = returns[call.operation];
        if (end == null) {
            return 0;
        }
        end.remove();
        return 1;
    }

    private int lower(Entry call) {
        Entry end = returns[call.operation];
        if (end != null) {
            end.restore();
        }
        call.restore();
        return end == null ? 0 : 1;
    }

    private void noteStuck() {
        if (choices.size() < longest.size() || !stuck.isEmpty() && choices.size() == longest.size()) {
            return;
        }
        longest = choices.stream().map(each -> each.call.operation).toList();
        List<Integer> candidates = new ArrayList<>();
        for (Entry each = head.after; each != null && each.call; each = each.after) {
            candidates.add(each.operation);
        }
        stuck = candidates;
    }

    private List<String> texts(List<Integer> numbers) {
        return numbers.stream().map(each -> operations.get(each).toString()).toList();
    }
}
