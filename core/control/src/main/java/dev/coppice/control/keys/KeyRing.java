package dev.coppice.control.keys;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import dev.coppice.control.request.Json;
import dev.coppice.store.Keyspace;
import dev.coppice.store.api.Compare;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.TxnRequest;
import java.security.GeneralSecurityException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * The keys of one use, as the store knows them: the same for all nodes. There is none until they are first exchanged; then a node's
 * own file of keys only follows. Safe for use by many threads.
 */
final class KeyRing {
    private final Keyspace keyspace;
    private final KeyWrap wrap;
    private final String use;

    /**
     * What the store holds.
     *
     * @param revision that wrote it; 0 when there is none
     * @param keys by their names, unwrapped; the current one is among them
     * @param notes what else is kept with them
     */
    record State(long revision, String current, Map<String, byte[]> keys, ObjectNode notes) {
        byte[] currentKey() {
            return Objects.requireNonNull(keys.get(current), "the current key is among the keys");
        }
    }

    /** @param use such as {@code encryption} */
    KeyRing(Keyspace keyspace, KeyWrap wrap, String use) {
        this.keyspace = keyspace;
        this.wrap = wrap;
        this.use = use;
    }

    /** Where it is in the store, apart from all objects. */
    String storageKey() {
        return "/coppice.dev/keys/" + use;
    }

    State read() throws GeneralSecurityException {
        RangeResponse found = keyspace.range(RangeRequest.newBuilder()
                .setKey(ByteString.copyFromUtf8(storageKey()))
                .build());
        if (found.getKvsCount() == 0) {
            return new State(0, "", Map.of(), Json.object());
        }
        KeyValue kv = found.getKvs(0);
        return decode(kv.getModRevision(), kv.getValue().toByteArray());
    }

    State decode(long revision, byte[] value) throws GeneralSecurityException {
        ObjectNode tree = Json.parse(value);
        Map<String, byte[]> keys = new LinkedHashMap<>();
        for (Map.Entry<String, String> each : Json.strings(tree.path("keys")).entrySet()) {
            keys.put(each.getKey(), wrap.unwrap(use + "/" + each.getKey(), each.getValue()));
        }
        return new State(revision, tree.path("current").asText(), keys, Json.child(tree, "notes"));
    }

    /** Replaces what was read, unless somebody else did so first; whether it was written. */
    boolean replace(State before, String current, Map<String, byte[]> keys, ObjectNode notes)
            throws GeneralSecurityException {
        ObjectNode tree = Json.object().put("current", current);
        ObjectNode wrapped = tree.putObject("keys");
        for (Map.Entry<String, byte[]> each : keys.entrySet()) {
            wrapped.put(each.getKey(), wrap.wrap(use + "/" + each.getKey(), each.getValue()));
        }
        tree.set("notes", notes);
        ByteString key = ByteString.copyFromUtf8(storageKey());
        return keyspace.txn(TxnRequest.newBuilder()
                        .addCompare(Compare.newBuilder()
                                .setKey(key)
                                .setTarget(Compare.CompareTarget.MOD)
                                .setResult(Compare.CompareResult.EQUAL)
                                .setModRevision(before.revision()))
                        .addSuccess(RequestOp.newBuilder()
                                .setRequestPut(PutRequest.newBuilder()
                                        .setKey(key)
                                        .setValue(ByteString.copyFrom(Json.bytes(tree)))))
                        .build())
                .getSucceeded();
    }
}
