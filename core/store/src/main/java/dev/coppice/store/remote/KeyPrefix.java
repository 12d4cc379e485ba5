package dev.coppice.store.remote;

import com.google.protobuf.ByteString;
import dev.coppice.store.api.Compare;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.DeleteRangeResponse;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.PutResponse;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.ResponseOp;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.TxnResponse;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchResponse;
import java.util.List;

/**
 * Makes a part of an etcd look like a keyspace of its own: puts a prefix before every key that is sent, and takes it off every
 * key that comes back. Pure; immutable.
 */
final class KeyPrefix {

    /** In place of a range's end: everything from its begin on. */
    private static final ByteString TO_THE_END = ByteString.copyFrom(new byte[1]);

    private final ByteString prefix;
    private final ByteString after;

    KeyPrefix(ByteString prefix) {
        this.prefix = prefix;
        this.after = after(prefix);
    }

    /** The first key that comes after all that begin with the prefix. */
    private static ByteString after(ByteString prefix) {
        byte[] bytes = prefix.toByteArray();
        for (int i = bytes.length - 1; i >= 0; i--) {
            if (bytes[i] != (byte) 0xff) {
                bytes[i]++;
                return ByteString.copyFrom(bytes, 0, i + 1);
            }
        }
        return TO_THE_END;
    }

    ByteString key(ByteString key) {
        // etcd refuses an empty key, and so must this.
        return key.isEmpty() ? key : prefix.concat(key);
    }

    ByteString end(ByteString end) {
        return end.isEmpty() ? end : end.equals(TO_THE_END) ? after : prefix.concat(end);
    }

    /** Whether the etcd may hold keys that are none of this keyspace. */
    boolean hides() {
        return !prefix.isEmpty();
    }

    boolean covers(ByteString key) {
        return key.startsWith(prefix);
    }

    ByteString without(ByteString key) {
        return key.substring(prefix.size());
    }

    RangeRequest sent(RangeRequest request) {
        return request.toBuilder()
                .setKey(key(request.getKey()))
                .setRangeEnd(end(request.getRangeEnd()))
                .build();
    }

    PutRequest sent(PutRequest request) {
        return request.toBuilder().setKey(key(request.getKey())).build();
    }

    DeleteRangeRequest sent(DeleteRangeRequest request) {
        return request.toBuilder()
                .setKey(key(request.getKey()))
                .setRangeEnd(end(request.getRangeEnd()))
                .build();
    }

    WatchCreateRequest sent(WatchCreateRequest request) {
        return request.toBuilder()
                .setKey(key(request.getKey()))
                .setRangeEnd(end(request.getRangeEnd()))
                .build();
    }

    TxnRequest sent(TxnRequest request) {
        TxnRequest.Builder all = TxnRequest.newBuilder();
        for (Compare each : request.getCompareList()) {
            all.addCompare(each.toBuilder().setKey(key(each.getKey())).setRangeEnd(end(each.getRangeEnd())));
        }
        request.getSuccessList().forEach(each -> all.addSuccess(sent(each)));
        request.getFailureList().forEach(each -> all.addFailure(sent(each)));
        return all.build();
    }

    private RequestOp sent(RequestOp operation) {
        RequestOp.Builder op = operation.toBuilder();
        return switch (operation.getRequestCase()) {
            case REQUEST_RANGE ->
                op.setRequestRange(sent(operation.getRequestRange())).build();
            case REQUEST_PUT ->
                op.setRequestPut(sent(operation.getRequestPut())).build();
            case REQUEST_DELETE_RANGE ->
                op.setRequestDeleteRange(sent(operation.getRequestDeleteRange()))
                        .build();
            case REQUEST_TXN ->
                op.setRequestTxn(sent(operation.getRequestTxn())).build();
            case REQUEST_NOT_SET -> operation;
        };
    }

    private KeyValue received(KeyValue pair) {
        return pair.toBuilder().setKey(without(pair.getKey())).build();
    }

    private List<KeyValue> received(List<KeyValue> pairs) {
        return pairs.stream().map(this::received).toList();
    }

    RangeResponse received(RangeResponse response) {
        return response.toBuilder()
                .clearKvs()
                .addAllKvs(received(response.getKvsList()))
                .build();
    }

    PutResponse received(PutResponse response) {
        return response.hasPrevKv()
                ? response.toBuilder().setPrevKv(received(response.getPrevKv())).build()
                : response;
    }

    DeleteRangeResponse received(DeleteRangeResponse response) {
        return response.toBuilder()
                .clearPrevKvs()
                .addAllPrevKvs(received(response.getPrevKvsList()))
                .build();
    }

    TxnResponse received(TxnResponse response) {
        TxnResponse.Builder all = response.toBuilder().clearResponses();
        response.getResponsesList().forEach(each -> all.addResponses(received(each)));
        return all.build();
    }

    private ResponseOp received(ResponseOp operation) {
        ResponseOp.Builder op = operation.toBuilder();
        return switch (operation.getResponseCase()) {
            case RESPONSE_RANGE ->
                op.setResponseRange(received(operation.getResponseRange())).build();
            case RESPONSE_PUT ->
                op.setResponsePut(received(operation.getResponsePut())).build();
            case RESPONSE_DELETE_RANGE ->
                op.setResponseDeleteRange(received(operation.getResponseDeleteRange()))
                        .build();
            case RESPONSE_TXN ->
                op.setResponseTxn(received(operation.getResponseTxn())).build();
            case RESPONSE_NOT_SET -> operation;
        };
    }

    WatchResponse received(WatchResponse response) {
        WatchResponse.Builder all = response.toBuilder().clearEvents();
        for (Event each : response.getEventsList()) {
            Event.Builder event = each.toBuilder().setKv(received(each.getKv()));
            if (each.hasPrevKv()) {
                event.setPrevKv(received(each.getPrevKv()));
            }
            all.addEvents(event);
        }
        return all.build();
    }
}
