package dev.coppice.acceptance.fault;

import dev.coppice.acceptance.fault.KeyValueModel.Action;
import dev.coppice.acceptance.fault.KeyValueModel.Effect;
import dev.coppice.acceptance.fault.KeyValueModel.Put;
import dev.coppice.acceptance.fault.KeyValueModel.Request;
import dev.coppice.acceptance.fault.KeyValueModel.Response;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Whether the revisions that clients were told are an order that explains everything, over all keys at once: each answer is
 * that of a replay of all changes, nothing that was acknowledged is missing, nothing happened twice or was never asked for,
 * and what was over before something began has the lower revision. Linear in the length of the history, where the search of
 * {@link LinearizabilityChecker} is not; but it believes the revisions, and that one does not.
 */
final class RevisionChecker {

    private static final int MAX_PROBLEMS = 20;

    private final History history;
    private final Changes changes;
    private final String prefix;
    private final List<String> problems = new ArrayList<>();

    private RevisionChecker(History history, Changes changes, String prefix) {
        this.history = history;
        this.changes = changes;
        this.prefix = prefix;
    }

    /**
     * What is wrong; empty when nothing is.
     *
     * @param prefix of the keys that the history is about; none existed before
     */
    static List<String> check(History history, Changes changes, String prefix) {
        RevisionChecker checker = new RevisionChecker(history, changes, prefix);
        checker.replay();
        checker.provenance();
        checker.realTime();
        return checker.problems;
    }

    /** Whether an operation was answered that it wrote something: its revision is that of its own change then. */
    static boolean changed(Operation<Request, Response> operation) {
        Response response = operation.output();
        if (response == null) {
            return false;
        }
        List<Action> taken = response.succeeded()
                ? operation.input().then()
                : operation.input().otherwise();
        for (int i = 0; i < taken.size(); i++) {
            boolean deleted = taken.get(i) instanceof KeyValueModel.Delete
                    && response.told().get(i) != null;
            if (taken.get(i) instanceof Put || deleted) {
                return true;
            }
        }
        return false;
    }

    private static long revision(Operation<Request, Response> operation) {
        Response response = operation.output();
        return response == null ? 0 : response.revision();
    }

    private void replay() {
        List<Operation<Request, Response>> answered = Stream.concat(
                        history.operations().stream().filter(Operation::known), history.staleReads().stream())
                .sorted(Comparator.comparingLong(RevisionChecker::revision)
                        .thenComparing(each -> changed(each) ? 0 : 1))
                .toList();
        Map<String, String> values = new HashMap<>();
        long at = changes.after();
        long written = at;
        for (Operation<Request, Response> each : answered) {
            boolean changed = changed(each);
            long before = changed ? revision(each) - 1 : revision(each);
            if (changed && written == revision(each)) {
                problem("two operations have the same revision, one of them " + each);
                continue;
            }
            for (; at < before; at++) {
                step(values, at + 1);
            }
            judge(each, values);
            if (changed) {
                written = revision(each);
            }
        }
    }

    private void step(Map<String, String> values, long revision) {
        for (Change change : changes.at(revision)) {
            String value = change.value();
            if (value == null) {
                values.remove(change.key());
            } else if (change.key().startsWith(prefix)) {
                values.put(change.key(), value);
            }
        }
    }

    private void judge(Operation<Request, Response> operation, Map<String, String> values) {
        Response response = operation.output();
        if (response == null) {
            return;
        }
        Effect effect = KeyValueModel.apply(values, operation.input());
        if (effect.succeeded() != response.succeeded() || !effect.values().equals(response.told())) {
            problem("a replay of all changes up to revision " + response.revision() + " answers " + effect.values()
                    + " (" + effect.succeeded() + ") to " + operation);
        }
        if (!changed(operation)) {
            return;
        }
        Map<String, String> after = new HashMap<>(values);
        step(after, response.revision());
        if (!after.equals(effect.after())) {
            problem("the changes with revision " + response.revision() + " are " + changes.at(response.revision())
                    + ", which is not what was acknowledged by " + operation);
        }
    }

    /** Values are written by one operation each, so that each tells who wrote it. */
    private void provenance() {
        Set<String> asked = new HashSet<>();
        for (Operation<Request, Response> each : history.operations()) {
            Stream.concat(each.input().then().stream(), each.input().otherwise().stream())
                    .filter(Put.class::isInstance)
                    .forEach(put -> asked.add(put.key() + "=" + ((Put) put).value()));
        }
        Set<String> seen = new HashSet<>();
        for (Change each : changes.between(changes.after() + 1, changes.last())) {
            if (each.value() == null || !each.key().startsWith(prefix)) {
                continue;
            }
            String written = each.key() + "=" + each.value();
            if (history.refused(each.value())) {
                problem("an operation that was refused happened: " + each);
            } else if (!asked.contains(written)) {
                problem("nobody asked for " + each);
            }
            if (!seen.add(written)) {
                problem("happened twice: " + each);
            }
        }
    }

    private void realTime() {
        List<Operation<Request, Response>> known = history.operations().stream()
                .filter(Operation::known)
                .sorted(Comparator.comparingLong(Operation::invokedNanos))
                .toList();
        PriorityQueue<Operation<Request, Response>> running =
                new PriorityQueue<>(Comparator.comparingLong(Operation::returnedNanos));
        Operation<Request, Response> newest = null;
        for (Operation<Request, Response> each : known) {
            while (!running.isEmpty() && running.peek().returnedNanos() < each.invokedNanos()) {
                Operation<Request, Response> over = running.poll();
                newest = newest == null || revision(over) > revision(newest) ? over : newest;
            }
            long least = newest == null ? 0 : revision(newest) + (changed(each) ? 1 : 0);
            if (revision(each) < least) {
                problem("goes back: " + each + "\n    after " + newest);
            }
            running.add(each);
        }
    }

    private void problem(String text) {
        if (problems.size() < MAX_PROBLEMS) {
            problems.add(text);
        }
    }
}
