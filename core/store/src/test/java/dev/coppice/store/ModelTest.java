package dev.coppice.store;

import static dev.coppice.store.StoreFixture.bytes;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.coppice.store.api.CompactionRequest;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.TxnRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.jspecify.annotations.Nullable;

/** Random histories against a store and against a model that keeps a whole map per revision. jqwik prints the seed. */
class ModelTest {

    private static @Nullable StoreFixture shared;

    @BeforeContainer
    static void open() throws Exception {
        Path directory = Files.createTempDirectory("coppice-model");
        shared = new StoreFixture(directory);
    }

    @AfterContainer
    static void close() {
        if (shared != null) {
            shared.close();
        }
    }

    /** The model: for every revision, what was visible at it. */
    private static final class Model {
        final List<TreeMap<String, KeyValue>> states = new ArrayList<>();
        final long base;

        Model(long base) {
            this.base = base;
            states.add(new TreeMap<>());
        }

        TreeMap<String, KeyValue> next() {
            TreeMap<String, KeyValue> next = new TreeMap<>(states.getLast());
            states.add(next);
            return next;
        }

        long revision() {
            return base + states.size() - 1;
        }

        void put(TreeMap<String, KeyValue> state, String key, String value) {
            KeyValue previous = state.get(key);
            state.put(
                    key,
                    KeyValue.newBuilder()
                            .setKey(bytes(key))
                            .setValue(bytes(value))
                            .setCreateRevision(previous == null ? revision() : previous.getCreateRevision())
                            .setModRevision(revision())
                            .setVersion(previous == null ? 1 : previous.getVersion() + 1)
                            .build());
        }
    }

    /** A random operation, from three numbers. */
    private void operate(StoreFixture store, Model model, String prefix, int kind, int first, int second, int step) {
        String key = prefix + (char) ('a' + Math.floorMod(first, 8));
        String other = prefix + (char) ('a' + Math.floorMod(second, 8));
        switch (Math.floorMod(kind, 10)) {
            case 0, 1, 2, 3, 4, 5 -> {
                assertThat(store.put(key, "v" + step)).isEqualTo(model.revision() + 1);
                model.put(model.next(), key, "v" + step);
            }
            case 6 -> delete(store, model, key, "");
            case 7 ->
                delete(store, model, key.compareTo(other) < 0 ? key : other, key.compareTo(other) < 0 ? other : key);
            case 8 -> {
                TxnRequest.Builder txn = TxnRequest.newBuilder();
                TreeMap<String, KeyValue> state = model.next();
                txn.addSuccess(put(key, "t" + step));
                model.put(state, key, "t" + step);
                if (!key.equals(other)) {
                    txn.addSuccess(put(other, "u" + step));
                    model.put(state, other, "u" + step);
                }
                store.keyspace.txn(txn.build());
            }
            default -> {
                long revision = store.keyspace.compactedRevision() + 1 + Math.floorMod(first, 5);
                if (revision > model.base && revision <= model.revision()) {
                    store.keyspace.compact(CompactionRequest.newBuilder()
                            .setRevision(revision)
                            .setPhysical(second % 2 == 0)
                            .build());
                }
            }
        }
    }

    private static RequestOp put(String key, String value) {
        return RequestOp.newBuilder()
                .setRequestPut(PutRequest.newBuilder().setKey(bytes(key)).setValue(bytes(value)))
                .build();
    }

    private static void delete(StoreFixture store, Model model, String key, String end) {
        var answer = store.keyspace.delete(DeleteRangeRequest.newBuilder()
                .setKey(bytes(key))
                .setRangeEnd(bytes(end))
                .build());
        var current = model.states.getLast();
        List<String> doomed = end.isEmpty()
                ? current.keySet().stream().filter(key::equals).toList()
                : List.copyOf(current.subMap(key, end).keySet());
        assertThat(answer.getDeleted()).isEqualTo(doomed.size());
        if (!doomed.isEmpty()) {
            TreeMap<String, KeyValue> next = model.next();
            doomed.forEach(next::remove);
        }
    }

    @Property(tries = 60)
    void answersLikeTheModel(@ForAll List<Integer> numbers) {
        StoreFixture store = java.util.Objects.requireNonNull(shared);
        String prefix = "m" + store.keyspace.revision() + "\0/";
        Model model = new Model(store.keyspace.revision());
        for (int i = 0; i + 2 < numbers.size(); i += 3) {
            operate(store, model, prefix, numbers.get(i), numbers.get(i + 1), numbers.get(i + 2), i);
        }
        assertThat(store.keyspace.revision()).isEqualTo(model.revision());
        for (long revision = Math.max(model.base, store.keyspace.compactedRevision());
                revision <= model.revision();
                revision++) {
            TreeMap<String, KeyValue> expected = model.states.get((int) (revision - model.base));
            RangeResponse found = store.keyspace.range(RangeRequest.newBuilder()
                    .setKey(bytes(prefix))
                    .setRangeEnd(end(prefix))
                    .setRevision(revision)
                    .build());
            assertThat(found.getKvsList()).as("at revision %d", revision).containsExactlyElementsOf(expected.values());
            assertThat(found.getCount()).isEqualTo(expected.size());
        }
    }

    private static ByteString end(String prefix) {
        return bytes(prefix.substring(0, prefix.length() - 1) + "0");
    }
}
