package dev.coppice.acceptance.fault;

import dev.coppice.acceptance.fault.KeyValueModel.Request;
import dev.coppice.acceptance.fault.KeyValueModel.Response;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** What all clients of a round recorded. Safe for use by many threads; its bound is the length of the round. */
final class History {

    private final List<Operation<Request, Response>> operations = new ArrayList<>();
    private final List<Operation<Request, Response>> staleReads = new ArrayList<>();
    private final Map<String, List<Operation<LockModel.Request, Boolean>>> locks = new HashMap<>();
    private final Map<Long, List<Operation<LeaseModel.Request, Boolean>>> leases = new HashMap<>();
    private final List<String> problems = new ArrayList<>();
    private final Set<String> refused = ConcurrentHashMap.newKeySet();

    synchronized void add(Operation<Request, Response> operation) {
        operations.add(operation);
    }

    /** A serializable read: it may be old, but is to be right for the revision that it tells. */
    synchronized void addStale(Operation<Request, Response> read) {
        staleReads.add(read);
    }

    /** The values of an operation that was refused for certain, so that nothing of it may ever be seen. */
    void addRefused(Request request) {
        for (List<KeyValueModel.Action> actions : List.of(request.then(), request.otherwise())) {
            for (KeyValueModel.Action action : actions) {
                if (action instanceof KeyValueModel.Put put) {
                    refused.add(put.value());
                }
            }
        }
    }

    boolean refused(String value) {
        return refused.contains(value);
    }

    int refusals() {
        return refused.size();
    }

    synchronized void addLock(String name, Operation<LockModel.Request, Boolean> operation) {
        locks.computeIfAbsent(name, _ -> new ArrayList<>()).add(operation);
    }

    synchronized void addLease(long id, Operation<LeaseModel.Request, Boolean> operation) {
        leases.computeIfAbsent(id, _ -> new ArrayList<>()).add(operation);
    }

    /** Something that a client saw to be wrong by itself. */
    synchronized void addProblem(String text) {
        problems.add(text);
    }

    synchronized List<Operation<Request, Response>> operations() {
        return List.copyOf(operations);
    }

    synchronized List<Operation<Request, Response>> staleReads() {
        return List.copyOf(staleReads);
    }

    synchronized Map<String, List<Operation<LockModel.Request, Boolean>>> locks() {
        return Map.copyOf(locks);
    }

    synchronized Map<Long, List<Operation<LeaseModel.Request, Boolean>>> leases() {
        return Map.copyOf(leases);
    }

    synchronized List<String> problems() {
        return List.copyOf(problems);
    }

    synchronized int size() {
        return operations.size()
                + staleReads.size()
                + locks.values().stream().mapToInt(List::size).sum()
                + leases.values().stream().mapToInt(List::size).sum();
    }
}
