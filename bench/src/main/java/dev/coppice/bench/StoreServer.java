package dev.coppice.bench;

import com.google.protobuf.ByteString;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.GrpcListener;
import dev.coppice.serving.ListenerOptions;
import dev.coppice.store.Keyspace;
import dev.coppice.store.Store;
import dev.coppice.store.StoreOptions;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.etcd.EtcdPolicy;
import dev.coppice.store.etcd.EtcdServices;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A process with a store, served as etcd in plain text on a port of loopback. It reads lines from standard input: {@code puts
 * WRITERS SECONDS} puts from inside the process and answers how many it did; {@code stop} stops it and answers how many
 * milliseconds the store took to open and to stop.
 */
public final class StoreServer {
    private StoreServer() {}

    public static void main(String[] arguments) throws Exception {
        Path directory = Path.of(arguments[0]);
        int port = Integer.parseInt(arguments[1]);
        Kernel kernel = Kernel.start();
        long begin = kernel.clock().nanoTime();
        Store store = Store.start(kernel, kernel.root(), StoreOptions.of(directory));
        long opened = kernel.clock().nanoTime() - begin;
        EtcdServices services = new EtcdServices(store, "etcd", EtcdPolicy.open("http://127.0.0.1:" + port));
        GrpcListener listener = new GrpcListener(
                kernel,
                new ListenerOptions("etcd", new InetSocketAddress("127.0.0.1", port), null, 2 << 20, 10_000),
                services.services(),
                services.interceptors());
        services.mount(listener.routes());
        kernel.root().start(ChildSpec.service("etcd-listener", () -> listener));
        System.out.println("ready");
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null && !line.equals("stop"); line = lines.readLine()) {
            String[] words = line.split(" ", -1);
            System.out.println(puts(kernel, store, Integer.parseInt(words[1]), Integer.parseInt(words[2])));
        }
        begin = kernel.clock().nanoTime();
        store.stop(kernel.root());
        System.out.println(opened / 1_000_000 + " " + (kernel.clock().nanoTime() - begin) / 1_000_000);
        kernel.close();
    }

    private static long puts(Kernel kernel, Store store, int writers, int seconds) throws Exception {
        Keyspace keyspace = store.keyspace("etcd");
        long deadline = kernel.clock().nanoTime() + seconds * 1_000_000_000L;
        AtomicLong done = new AtomicLong();
        CountDownLatch ended = new CountDownLatch(writers);
        for (int i = 0; i < writers; i++) {
            int writer = i;
            var unused = kernel.root()
                    .start(ChildSpec.task("writer-" + i, () -> {
                                try {
                                    for (int n = writer; kernel.clock().nanoTime() < deadline; n += 31) {
                                        var _ = keyspace.put(request(n));
                                        done.incrementAndGet();
                                    }
                                } finally {
                                    ended.countDown();
                                }
                            })
                            .withRestart(ChildSpec.Restart.TEMPORARY));
        }
        ended.await();
        return done.get();
    }

    /** One of ten thousand keys, with a value of 256 bytes. */
    static PutRequest request(int number) {
        return PutRequest.newBuilder()
                .setKey(ByteString.copyFromUtf8("load/" + (number * 7919 & 0x7fffffff) % 10_000))
                .setValue(VALUE)
                .build();
    }

    private static final ByteString VALUE = ByteString.copyFrom(new byte[256]);
}
