package dev.coppice.acceptance.fault;

import static dev.coppice.acceptance.fault.EtcdClient.bytes;

import dev.coppice.acceptance.fault.KeyValueModel.Action;
import dev.coppice.acceptance.fault.KeyValueModel.Delete;
import dev.coppice.acceptance.fault.KeyValueModel.Get;
import dev.coppice.acceptance.fault.KeyValueModel.Put;
import dev.coppice.acceptance.fault.KeyValueModel.Request;
import dev.coppice.acceptance.fault.KeyValueModel.Response;
import dev.coppice.store.api.Compare;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.ResponseOp;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.TxnResponse;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Reads, writes and transactions on a few keys at a time. Every value is written once. After some operations the clients go
 * on to other keys, which keeps the part that is to be searched for an order small.
 */
final class KeyValueClient implements Runnable {

    /** What the key-value clients of a round share. */
    static final class Keys {
        private static final int OPERATIONS_PER_GROUP = 60;
        private static final int GROUPS = 3;
        private static final int KEYS_PER_GROUP = 3;

        private final String prefix;
        private final AtomicLong operations = new AtomicLong();
        private final Map<String, String> seen = new ConcurrentHashMap<>();

        Keys(String prefix) {
            this.prefix = prefix;
        }

        String group(Random random) {
            long generation = operations.incrementAndGet() / (OPERATIONS_PER_GROUP * GROUPS);
            return prefix + generation + "." + random.nextInt(GROUPS) + "/";
        }

        /** The part of a key that names its group. */
        static String group(String key) {
            return key.substring(0, key.lastIndexOf('/'));
        }
    }

    private final int number;
    private final EtcdClient node;
    private final Load load;
    private final Keys keys;
    private final Random random;
    private long written;

    KeyValueClient(int number, EtcdClient node, Load load, Keys keys, long seed) {
        this.number = number;
        this.node = node;
        this.load = load;
        this.keys = keys;
        this.random = new Random(seed);
    }

    @Override
    public void run() {
        while (!load.over()) {
            String group = keys.group(random);
            if (random.nextInt(10) == 0) {
                read(group + "k" + random.nextInt(Keys.KEYS_PER_GROUP));
            } else {
                operate(request(group));
            }
            Load.pause(1 + random.nextInt(12));
        }
    }

    private Request request(String group) {
        String key = group + "k" + random.nextInt(Keys.KEYS_PER_GROUP);
        String other = group + "k" + random.nextInt(Keys.KEYS_PER_GROUP);
        return switch (random.nextInt(8)) {
            case 0, 1 -> Request.of(new Get(key));
            case 2, 3 -> Request.of(new Put(key, value()));
            case 4 -> Request.of(new Delete(key));
            case 5 -> Request.of(new Get(group + "k0"), new Get(group + "k1"), new Get(group + "k2"));
            default -> {
                Action second = other.equals(key) ? new Get(other) : new Put(other, value());
                yield new Request(
                        List.of(new KeyValueModel.Compare(key, keys.seen.get(key))),
                        List.of(new Put(key, value()), second),
                        List.of(new Get(key), new Get(other)));
            }
        };
    }

    private String value() {
        return number + "-" + ++written;
    }

    private void operate(Request request) {
        long invoked = System.nanoTime();
        try {
            Response response = send(request);
            long returned = System.nanoTime();
            load.history().add(new Operation<>(number, request, response, invoked, returned));
            load.countAnswered();
            remember(request, response);
        } catch (StatusRuntimeException e) {
            if (load.surelyRefused(e)) {
                load.history().addRefused(request);
            } else if (request.writes()) {
                load.history().add(Operation.unknown(number, request, invoked));
            }
            Load.pause(100);
        }
    }

    private void remember(Request request, Response response) {
        List<Action> taken = response.succeeded() ? request.then() : request.otherwise();
        for (int i = 0; i < taken.size(); i++) {
            String key = taken.get(i).key();
            String now = switch (taken.get(i)) {
                case Get _ -> response.told().get(i);
                case Put put -> put.value();
                case Delete _ -> null;
            };
            if (now == null) {
                keys.seen.remove(key);
            } else {
                keys.seen.put(key, now);
            }
        }
    }

    private void read(String key) {
        long invoked = System.nanoTime();
        try {
            RangeResponse range = node.kv()
                    .range(RangeRequest.newBuilder()
                            .setKey(bytes(key))
                            .setSerializable(true)
                            .build());
            load.history()
                    .addStale(new Operation<>(
                            number,
                            Request.of(new Get(key)),
                            new Response(
                                    true,
                                    Collections.singletonList(value(range.getKvsList())),
                                    range.getHeader().getRevision()),
                            invoked,
                            System.nanoTime()));
            load.countAnswered();
        } catch (StatusRuntimeException e) {
            var unused = load.surelyRefused(e);
            Load.pause(100);
        }
    }

    // ---- etcd's messages

    private Response send(Request request) {
        if (request.compares().isEmpty() && request.then().size() == 1) {
            return single(request.then().getFirst());
        }
        TxnRequest.Builder txn = TxnRequest.newBuilder();
        for (KeyValueModel.Compare each : request.compares()) {
            txn.addCompare(compare(each));
        }
        request.then().forEach(each -> txn.addSuccess(op(each)));
        request.otherwise().forEach(each -> txn.addFailure(op(each)));
        TxnResponse answer = node.kv().txn(txn.build());
        List<@Nullable String> values = new ArrayList<>();
        for (ResponseOp each : answer.getResponsesList()) {
            values.add(
                    switch (each.getResponseCase()) {
                        case RESPONSE_RANGE -> value(each.getResponseRange().getKvsList());
                        case RESPONSE_PUT ->
                            each.getResponsePut().hasPrevKv()
                                    ? each.getResponsePut()
                                            .getPrevKv()
                                            .getValue()
                                            .toStringUtf8()
                                    : null;
                        case RESPONSE_DELETE_RANGE ->
                            value(each.getResponseDeleteRange().getPrevKvsList());
                        default -> throw new IllegalStateException("unexpected answer " + each);
                    });
        }
        return new Response(answer.getSucceeded(), values, answer.getHeader().getRevision());
    }

    private Response single(Action action) {
        return switch (action) {
            case Get get -> {
                RangeResponse range = node.kv().range(range(get));
                yield one(value(range.getKvsList()), range.getHeader().getRevision());
            }
            case Put put -> {
                var answer = node.kv().put(put(put));
                yield one(
                        answer.hasPrevKv() ? answer.getPrevKv().getValue().toStringUtf8() : null,
                        answer.getHeader().getRevision());
            }
            case Delete delete -> {
                var answer = node.kv().deleteRange(delete(delete));
                yield one(value(answer.getPrevKvsList()), answer.getHeader().getRevision());
            }
        };
    }

    private static Response one(@Nullable String value, long revision) {
        return new Response(true, Collections.singletonList(value), revision);
    }

    private static @Nullable String value(List<KeyValue> pairs) {
        return pairs.isEmpty() ? null : pairs.getFirst().getValue().toStringUtf8();
    }

    private static Compare compare(KeyValueModel.Compare each) {
        Compare.Builder compare = Compare.newBuilder().setKey(bytes(each.key())).setResult(Compare.CompareResult.EQUAL);
        String value = each.value();
        return value == null
                ? compare.setTarget(Compare.CompareTarget.CREATE)
                        .setCreateRevision(0)
                        .build()
                : compare.setTarget(Compare.CompareTarget.VALUE)
                        .setValue(bytes(value))
                        .build();
    }

    private static RequestOp op(Action action) {
        RequestOp.Builder op = RequestOp.newBuilder();
        return switch (action) {
            case Get get -> op.setRequestRange(range(get)).build();
            case Put put -> op.setRequestPut(put(put)).build();
            case Delete delete -> op.setRequestDeleteRange(delete(delete)).build();
        };
    }

    private static RangeRequest range(Get get) {
        return RangeRequest.newBuilder().setKey(bytes(get.key())).build();
    }

    private static PutRequest put(Put put) {
        return PutRequest.newBuilder()
                .setKey(bytes(put.key()))
                .setValue(bytes(put.value()))
                .setPrevKv(true)
                .build();
    }

    private static DeleteRangeRequest delete(Delete delete) {
        return DeleteRangeRequest.newBuilder()
                .setKey(bytes(delete.key()))
                .setPrevKv(true)
                .build();
    }
}
