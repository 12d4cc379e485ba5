package dev.coppice.store.engine;

import com.google.protobuf.ByteString;
import dev.coppice.store.StoreException;
import dev.coppice.store.api.CompactionRequest;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseRevokeRequest;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.log.Command;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What a keyspace means, in the plainest code: a whole map for every revision. Gives for each command what can be seen of its
 * answer.
 */
final class ReferenceModel {

    static final Comparator<ByteString> ORDER = ByteString.unsignedLexicographicalComparator();

    private final List<TreeMap<ByteString, KeyValue>> states = new ArrayList<>();
    private final Map<Long, TreeSet<ByteString>> leases = new HashMap<>();
    /** As in etcd, revision 0 may be compacted once. */
    private long compacted = -1;

    /** The state that the command at hand makes; the newest one until something changes. */
    private TreeMap<ByteString, KeyValue> working = new TreeMap<>(ORDER);

    private boolean changed;

    ReferenceModel() {
        states.add(new TreeMap<>(ORDER)); // revision 0, which nothing has
        states.add(new TreeMap<>(ORDER));
    }

    long revision() {
        return states.size() - 1;
    }

    long compacted() {
        return Math.max(0, compacted);
    }

    TreeMap<ByteString, KeyValue> at(long revision) {
        return states.get((int) revision);
    }

    java.util.Set<Long> leases() {
        return leases.keySet();
    }

    TreeSet<ByteString> keysOf(long lease) {
        return leases.getOrDefault(lease, new TreeSet<>(ORDER));
    }

    /** Applies a command; its answer in words, or its error. */
    String apply(Command command) {
        working = new TreeMap<>(ORDER);
        working.putAll(states.getLast());
        changed = false;
        String answer;
        try {
            answer = switch (command.getOperationCase()) {
                case PUT -> put(command.getPut());
                case DELETE_RANGE -> delete(command.getDeleteRange());
                case TXN -> txn(command.getTxn());
                case COMPACT -> compact(command.getCompact());
                case LEASE_GRANT -> grant(command.getLeaseGrant());
                case LEASE_REVOKE -> revoke(command.getLeaseRevoke());
                default -> throw new IllegalArgumentException("the model has no " + command.getOperationCase());
            };
        } catch (StoreException e) {
            return String.valueOf(e.getMessage());
        }
        if (changed) {
            states.add(working);
        }
        return answer + " at " + revision();
    }

    private void checkLease(PutRequest request) {
        if (request.getLease() != 0 && !leases.containsKey(request.getLease())) {
            throw Errors.leaseNotFound();
        }
    }

    private void checkKey(PutRequest request) {
        if ((request.getIgnoreLease() || request.getIgnoreValue())
                && !states.getLast().containsKey(request.getKey())) {
            throw Errors.keyNotFound();
        }
    }

    private String put(PutRequest request) {
        checkLease(request);
        checkKey(request);
        KeyValue before = working.get(request.getKey());
        long revision = revision() + 1;
        long lease = request.getIgnoreLease() && before != null ? before.getLease() : request.getLease();
        detach(before);
        working.put(
                request.getKey(),
                KeyValue.newBuilder()
                        .setKey(request.getKey())
                        .setValue(request.getIgnoreValue() && before != null ? before.getValue() : request.getValue())
                        .setCreateRevision(before == null ? revision : before.getCreateRevision())
                        .setModRevision(revision)
                        .setVersion(before == null ? 1 : before.getVersion() + 1)
                        .setLease(lease)
                        .build());
        if (lease != 0) {
            leases.computeIfAbsent(lease, id -> new TreeSet<>(ORDER)).add(request.getKey());
        }
        changed = true;
        return "put, before: " + (request.getPrevKv() ? before : null);
    }

    private void detach(@org.jspecify.annotations.Nullable KeyValue pair) {
        if (pair != null && pair.getLease() != 0) {
            leases.getOrDefault(pair.getLease(), new TreeSet<>(ORDER)).remove(pair.getKey());
        }
    }

    private String delete(DeleteRangeRequest request) {
        List<KeyValue> doomed = working.values().stream()
                .filter(each -> Requests.contains(request.getKey(), request.getRangeEnd(), each.getKey()))
                .toList();
        for (KeyValue each : doomed) {
            detach(each);
            working.remove(each.getKey());
            changed = true;
        }
        return "deleted " + doomed.size() + ", before: " + (request.getPrevKv() ? doomed : List.of());
    }

    /** Only compares of versions with zero, and no nested transactions: the differential test has the rest. */
    private String txn(TxnRequest request) {
        boolean succeeded = request.getCompareList().stream()
                .allMatch(each -> !states.getLast().containsKey(each.getKey()));
        List<RequestOp> operations = succeeded ? request.getSuccessList() : request.getFailureList();
        for (RequestOp each : operations) {
            if (each.hasRequestPut()) {
                // In a transaction etcd looks at the key first.
                checkKey(each.getRequestPut());
                checkLease(each.getRequestPut());
            }
        }
        List<String> answers = new ArrayList<>();
        for (RequestOp each : operations) {
            answers.add(each.hasRequestPut() ? put(each.getRequestPut()) : delete(each.getRequestDeleteRange()));
        }
        return (succeeded ? "succeeded " : "failed ") + answers;
    }

    private String compact(CompactionRequest request) {
        if (request.getRevision() <= compacted) {
            throw Errors.compacted();
        }
        if (request.getRevision() > revision()) {
            throw Errors.futureRevision();
        }
        compacted = request.getRevision();
        return "compacted";
    }

    private String grant(LeaseGrantRequest request) {
        if (leases.containsKey(request.getID())) {
            throw Errors.leaseExists();
        }
        leases.put(request.getID(), new TreeSet<>(ORDER));
        return "granted";
    }

    private String revoke(LeaseRevokeRequest request) {
        TreeSet<ByteString> keys = leases.remove(request.getID());
        if (keys == null) {
            throw Errors.leaseNotFound();
        }
        for (ByteString each : keys) {
            working.remove(each);
            changed = true;
        }
        return "revoked";
    }
}
