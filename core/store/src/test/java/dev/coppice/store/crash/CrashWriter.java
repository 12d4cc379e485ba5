package dev.coppice.store.crash;

import com.google.protobuf.ByteString;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.store.Keyspace;
import dev.coppice.store.Store;
import dev.coppice.store.StoreOptions;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.TxnRequest;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

/**
 * The process that is killed: opens a store, prints what it finds, then writes until it dies, printing every acknowledged
 * write. Arguments: DIRECTORY ROUND. Lines: {@code found REVISION}, {@code has KEY VALUE MODREVISION}, {@code ready},
 * {@code ack KEY VALUE REVISION}.
 */
public final class CrashWriter {
    private CrashWriter() {}

    private static final int WRITERS = 8;

    public static void main(String[] arguments) throws Exception {
        String round = arguments[1];
        Kernel kernel = Kernel.start();
        Store store = Store.start(kernel, kernel.root(), StoreOptions.of(Path.of(arguments[0])));
        Keyspace keyspace = store.keyspace("etcd");
        PrintStream out = System.out;
        RangeResponse found = keyspace.range(RangeRequest.newBuilder()
                .setKey(ByteString.copyFrom(new byte[] {0}))
                .setRangeEnd(ByteString.copyFrom(new byte[] {0}))
                .build());
        StringBuilder lines = new StringBuilder("found ")
                .append(found.getHeader().getRevision())
                .append('\n');
        for (KeyValue each : found.getKvsList()) {
            lines.append("has ")
                    .append(each.getKey().toStringUtf8())
                    .append(' ')
                    .append(each.getValue().toStringUtf8())
                    .append(' ')
                    .append(each.getModRevision())
                    .append('\n');
        }
        out.print(lines.append("ready\n"));
        out.flush();
        for (int writer = 0; writer < WRITERS; writer++) {
            int number = writer;
            var unused =
                    kernel.root().start(ChildSpec.task("writer-" + writer, () -> write(keyspace, round, number, out)));
        }
        new CountDownLatch(1).await();
    }

    /** Puts a pair of keys in one transaction, always with the same value: a torn write would show. */
    private static void write(Keyspace keyspace, String round, int writer, PrintStream out) {
        for (int i = 0; ; i++) {
            String value = round + "-" + i;
            String left = "pair/" + writer + "/left";
            String right = "pair/" + writer + "/right";
            long revision = keyspace.txn(TxnRequest.newBuilder()
                            .addSuccess(put(left, value))
                            .addSuccess(put(right, value))
                            .build())
                    .getHeader()
                    .getRevision();
            out.print("ack " + writer + " " + value + " " + revision + "\n");
            out.flush();
        }
    }

    private static RequestOp put(String key, String value) {
        return RequestOp.newBuilder()
                .setRequestPut(PutRequest.newBuilder()
                        .setKey(ByteString.copyFromUtf8(key))
                        .setValue(ByteString.copyFromUtf8(value)))
                .build();
    }
}
