package dev.coppice.acceptance.fault;

import dev.coppice.acceptance.fault.KeyValueModel.Action;
import dev.coppice.acceptance.fault.KeyValueModel.Delete;
import dev.coppice.acceptance.fault.KeyValueModel.Put;
import dev.coppice.acceptance.fault.KeyValueModel.Request;
import dev.coppice.acceptance.fault.KeyValueModel.Response;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Learns from what watchers were told what became of operations whose clients were not told. Values are written once: so one
 * that was seen happened, with the revision of its change and before it was seen; one that never was did not. Without this the
 * search for an order grows exponentially with each of them. (etcd's robustness tests do the same.)
 */
final class UnknownOutcomes {
    private final Map<String, Change> byValue = new HashMap<>();
    /** Deletions that nobody was told to have made, by key. */
    private final Map<String, List<Change>> deletions = new HashMap<>();

    private final Changes changes;

    /** All operations that happened, or may have, with what is known about them. */
    static List<Operation<Request, Response>> resolve(Changes changes, List<Operation<Request, Response>> operations) {
        UnknownOutcomes outcomes = new UnknownOutcomes(changes, operations);
        return operations.stream()
                .flatMap(each -> outcomes.resolve(each).stream())
                .toList();
    }

    UnknownOutcomes(Changes changes, List<Operation<Request, Response>> operations) {
        this.changes = changes;
        Set<Long> claimed = new HashSet<>();
        for (Operation<Request, Response> each : operations) {
            Response response = each.output();
            if (response != null && RevisionChecker.changed(each)) {
                claimed.add(response.revision());
            }
        }
        for (Change each : changes.between(changes.after() + 1, changes.last())) {
            if (each.value() != null) {
                byValue.put(each.key() + "=" + each.value(), each);
            } else if (!claimed.contains(each.revision())) {
                deletions.computeIfAbsent(each.key(), _ -> new ArrayList<>()).add(each);
            }
        }
    }

    /** The operation with what is known about it; empty when it did not happen. */
    Optional<Operation<Request, Response>> resolve(Operation<Request, Response> operation) {
        if (operation.known()) {
            return Optional.of(operation);
        }
        Request request = operation.input();
        Change then = seen(request.then());
        Change otherwise = seen(request.otherwise());
        Change happened = then != null ? then : otherwise;
        if (happened != null) {
            return Optional.of(new Operation<>(
                    operation.client(),
                    request,
                    new Response(then != null, null, happened.revision()),
                    operation.invokedNanos(),
                    changes.toldNanos(happened.revision())));
        }
        if (request.then().size() == 1 && request.then().getFirst() instanceof Delete delete) {
            return deletion(operation, delete);
        }
        boolean wouldBeSeen = puts(request.then()) && !new Request(List.of(), request.otherwise(), List.of()).writes();
        return wouldBeSeen ? Optional.empty() : Optional.of(operation);
    }

    /** One that removed nothing is the same as one that did not happen. */
    private Optional<Operation<Request, Response>> deletion(Operation<Request, Response> operation, Delete delete) {
        return deletions.getOrDefault(delete.key(), List.of()).stream()
                .map(each -> changes.toldNanos(each.revision()))
                .filter(told -> told >= operation.invokedNanos())
                .max(Long::compare)
                .map(told ->
                        new Operation<>(operation.client(), operation.input(), null, operation.invokedNanos(), told));
    }

    private @Nullable Change seen(List<Action> actions) {
        return actions.stream()
                .filter(Put.class::isInstance)
                .map(each -> byValue.get(each.key() + "=" + ((Put) each).value()))
                .filter(Objects::nonNull)
                .findFirst()
                .orElse(null);
    }

    private static boolean puts(List<Action> actions) {
        return actions.stream().anyMatch(Put.class::isInstance);
    }
}
