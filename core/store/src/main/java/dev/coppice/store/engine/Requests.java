package dev.coppice.store.engine;

import com.google.protobuf.ByteString;
import dev.coppice.store.RequestLimits;
import dev.coppice.store.api.Compare;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.log.Command;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What a request must be like to be looked at at all, whatever the store holds. The checks and their order are etcd's. */
public final class Requests {
    private Requests() {}

    public static void check(RangeRequest request) {
        if (request.getKey().isEmpty()) {
            throw Errors.emptyKey();
        }
        if (request.getSortOrder() == RangeRequest.SortOrder.UNRECOGNIZED
                || request.getSortTarget() == RangeRequest.SortTarget.UNRECOGNIZED) {
            throw Errors.invalidSortOption();
        }
    }

    public static void check(PutRequest request) {
        if (request.getKey().isEmpty()) {
            throw Errors.emptyKey();
        }
        if (request.getIgnoreValue() && !request.getValue().isEmpty()) {
            throw Errors.valueProvided();
        }
        if (request.getIgnoreLease() && request.getLease() != 0) {
            throw Errors.leaseProvided();
        }
    }

    public static void check(DeleteRangeRequest request) {
        if (request.getKey().isEmpty()) {
            throw Errors.emptyKey();
        }
    }

    /** @param limits of which only that of operations is looked at */
    public static void check(TxnRequest request, RequestLimits limits) {
        checkOperations(request, limits.operations());
        checkDuplicates(request.getSuccessList());
        checkDuplicates(request.getFailureList());
    }

    private static void checkOperations(TxnRequest request, int max) {
        int most = Math.max(request.getCompareCount(), Math.max(request.getSuccessCount(), request.getFailureCount()));
        if (most > max) {
            throw Errors.tooManyOperations();
        }
        for (Compare compare : request.getCompareList()) {
            if (compare.getKey().isEmpty()) {
                throw Errors.emptyKey();
            }
        }
        for (List<RequestOp> branch : List.of(request.getSuccessList(), request.getFailureList())) {
            for (RequestOp operation : branch) {
                switch (operation.getRequestCase()) {
                    case REQUEST_RANGE -> check(operation.getRequestRange());
                    case REQUEST_PUT -> check(operation.getRequestPut());
                    case REQUEST_DELETE_RANGE -> check(operation.getRequestDeleteRange());
                    case REQUEST_TXN -> checkOperations(operation.getRequestTxn(), max - most);
                    case REQUEST_NOT_SET -> throw Errors.keyNotFound();
                }
            }
        }
    }

    /** Keys put, and ranges deleted, on one path through a transaction. */
    private record Touched(Set<ByteString> puts, List<DeleteRangeRequest> deletions) {

        void checkAgainstDeletions(ByteString key) {
            for (DeleteRangeRequest deletion : deletions) {
                if (contains(deletion.getKey(), deletion.getRangeEnd(), key)) {
                    throw Errors.duplicateKey();
                }
            }
        }
    }

    private static Touched checkDuplicates(List<RequestOp> operations) {
        Touched touched = new Touched(new HashSet<>(), new ArrayList<>());
        for (RequestOp operation : operations) {
            if (operation.hasRequestDeleteRange()) {
                touched.deletions().add(operation.getRequestDeleteRange());
            }
        }
        for (RequestOp operation : operations) {
            if (operation.hasRequestTxn()) {
                addNested(touched, operation.getRequestTxn());
            }
        }
        for (RequestOp operation : operations) {
            if (operation.hasRequestPut()) {
                ByteString key = operation.getRequestPut().getKey();
                touched.checkAgainstDeletions(key);
                if (!touched.puts().add(key)) {
                    throw Errors.duplicateKey();
                }
            }
        }
        return touched;
    }

    private static void addNested(Touched touched, TxnRequest nested) {
        Touched success = checkDuplicates(nested.getSuccessList());
        Touched failure = checkDuplicates(nested.getFailureList());
        for (ByteString key : success.puts()) {
            touched.checkAgainstDeletions(key);
            if (!touched.puts().add(key)) {
                throw Errors.duplicateKey();
            }
        }
        for (ByteString key : failure.puts()) {
            touched.checkAgainstDeletions(key);
            if (!touched.puts().add(key) && !success.puts().contains(key)) {
                throw Errors.duplicateKey();
            }
        }
        touched.deletions().addAll(success.deletions());
        touched.deletions().addAll(failure.deletions());
    }

    /** Whether a range contains a key. */
    public static boolean contains(ByteString start, ByteString rangeEnd, ByteString key) {
        if (rangeEnd.isEmpty()) {
            return start.equals(key);
        }
        var order = ByteString.unsignedLexicographicalComparator();
        return order.compare(start, key) <= 0 && (Codec.toInfinity(rangeEnd) || order.compare(key, rangeEnd) < 0);
    }

    /** Whether a transaction changes nothing, whichever branch it takes. */
    public static boolean readOnly(TxnRequest request) {
        for (List<RequestOp> branch : List.of(request.getSuccessList(), request.getFailureList())) {
            for (RequestOp operation : branch) {
                boolean reads =
                        operation.hasRequestRange() || operation.hasRequestTxn() && readOnly(operation.getRequestTxn());
                if (!reads) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Whether a transaction puts something in some branch. */
    public static boolean puts(TxnRequest request) {
        for (List<RequestOp> branch : List.of(request.getSuccessList(), request.getFailureList())) {
            for (RequestOp operation : branch) {
                if (operation.hasRequestPut() || operation.hasRequestTxn() && puts(operation.getRequestTxn())) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Whether a command adds nothing, and may free something; what a full store does not refuse. As in etcd. */
    public static boolean frees(Command command) {
        return switch (command.getOperationCase()) {
            case DELETE_RANGE, COMPACT, LEASE_REVOKE, LEASE_CHECKPOINT, ALARM -> true;
            case TXN -> !puts(command.getTxn());
            default -> false;
        };
    }

    /** Whether every operation that a transaction may do reads without the guarantee to see the newest. */
    public static boolean serializable(TxnRequest request) {
        for (List<RequestOp> branch : List.of(request.getSuccessList(), request.getFailureList())) {
            for (RequestOp operation : branch) {
                if (operation.hasRequestRange() && !operation.getRequestRange().getSerializable()
                        || operation.hasRequestTxn() && !serializable(operation.getRequestTxn())) {
                    return false;
                }
            }
        }
        return true;
    }
}
