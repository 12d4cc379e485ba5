package dev.coppice.store.etcd;

import com.google.common.util.concurrent.FutureCallback;
import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.ListenableFuture;
import com.google.common.util.concurrent.MoreExecutors;
import com.google.protobuf.ByteString;
import dev.coppice.store.api.KVGrpc;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** A load on an etcd v3 endpoint, for side-by-side runs: PORT put|get IN_FLIGHT SECONDS. Prints one JSON object. */
public final class LoadMain {
    private LoadMain() {}

    private static final int KEYS = 10_000;
    private static final ByteString VALUE = ByteString.copyFrom(new byte[256]);

    public static void main(String[] arguments) throws Exception {
        int inFlight = Integer.parseInt(arguments[2]);
        int seconds = Integer.parseInt(arguments[3]);
        ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", Integer.parseInt(arguments[0]))
                .usePlaintext()
                .directExecutor()
                .build();
        Load load = new Load(KVGrpc.newFutureStub(channel), arguments[1].equals("put"));
        load.run(inFlight, 2);
        load.reset();
        load.run(inFlight, seconds);
        load.print(inFlight, seconds);
        channel.shutdownNow();
    }

    private static final class Load {
        private final KVGrpc.KVFutureStub stub;
        private final boolean put;
        private final AtomicInteger done = new AtomicInteger();
        private final AtomicInteger failed = new AtomicInteger();
        private final long[] nanos = new long[4_000_000];
        private volatile long deadline;
        private CountDownLatch ended = new CountDownLatch(0);

        Load(KVGrpc.KVFutureStub stub, boolean put) {
            this.stub = stub;
            this.put = put;
        }

        void reset() {
            done.set(0);
            failed.set(0);
        }

        void run(int inFlight, int seconds) throws InterruptedException {
            deadline = System.nanoTime() + seconds * 1_000_000_000L;
            ended = new CountDownLatch(inFlight);
            for (int i = 0; i < inFlight; i++) {
                send(i);
            }
            ended.await();
        }

        private void send(int number) {
            long begin = System.nanoTime();
            if (begin > deadline) {
                ended.countDown();
                return;
            }
            ByteString key = ByteString.copyFromUtf8("load/" + (number * 7919 & 0x7fffffff) % KEYS);
            ListenableFuture<?> answer = put
                    ? stub.put(
                            PutRequest.newBuilder().setKey(key).setValue(VALUE).build())
                    : stub.range(RangeRequest.newBuilder().setKey(key).build());
            Futures.addCallback(
                    answer,
                    new FutureCallback<Object>() {
                        @Override
                        public void onSuccess(Object result) {
                            int at = done.getAndIncrement();
                            nanos[at % nanos.length] = System.nanoTime() - begin;
                            send(number + 31);
                        }

                        @Override
                        public void onFailure(Throwable error) {
                            if (failed.getAndIncrement() == 0) {
                                System.err.println(error);
                            }
                            send(number + 31);
                        }
                    },
                    MoreExecutors.directExecutor());
        }

        void print(int inFlight, int seconds) {
            int count = done.get();
            long[] sorted = Arrays.copyOf(nanos, Math.min(count, nanos.length));
            Arrays.sort(sorted);
            System.out.printf(
                    "{\"operation\":\"%s\",\"inFlight\":%d,\"perSecond\":%d,\"p50Millis\":%.2f,\"p99Millis\":%.2f,\"failed\":%d}%n",
                    put ? "put" : "get",
                    inFlight,
                    count / seconds,
                    sorted[sorted.length / 2] / 1e6,
                    sorted[(int) (sorted.length * 0.99)] / 1e6,
                    failed.get());
        }
    }
}
