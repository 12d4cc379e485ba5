package dev.coppice.acceptance.fault;

import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchProgressRequest;
import dev.coppice.store.api.WatchRequest;
import dev.coppice.store.api.WatchResponse;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Watches all keys from a revision on; when it loses its connection it goes on where it was, on the next of its nodes. It
 * asks for progress notes now and then.
 */
final class WatchClient implements Runnable, AutoCloseable {
    private final WatchLog log;
    private final List<EtcdClient> nodes;
    private final long from;
    private final Random random;
    private final int mostMillis;
    private volatile boolean over;
    private volatile @Nullable Stream open;

    WatchClient(String name, List<EtcdClient> nodes, long from, long seed) {
        this(name, nodes, from, seed, 450);
    }

    /** @param mostMillis between two requests for a progress note */
    WatchClient(String name, List<EtcdClient> nodes, long from, long seed, int mostMillis) {
        this.mostMillis = mostMillis;
        this.log = new WatchLog(name);
        this.nodes = nodes;
        this.from = from;
        this.random = new Random(seed);
    }

    WatchLog log() {
        return log;
    }

    Thread start() {
        return Thread.ofVirtual().start(this);
    }

    @Override
    public void run() {
        for (int connection = 0; !over; connection++) {
            Stream stream = new Stream(Math.max(from, log.seen() + 1));
            open = stream;
            stream.run(nodes.get(connection % nodes.size()));
            Load.pause(50);
        }
    }

    @Override
    public void close() {
        over = true;
        Stream now = open;
        if (now != null) {
            now.ended.countDown();
        }
    }

    /** One connection. */
    private final class Stream implements StreamObserver<WatchResponse> {
        private final long start;
        private final CountDownLatch ended = new CountDownLatch(1);

        Stream(long start) {
            this.start = start;
        }

        void run(EtcdClient node) {
            log.add(new WatchLog.Opened(start));
            StreamObserver<WatchRequest> requests = node.watches().watch(this);
            try {
                requests.onNext(WatchRequest.newBuilder()
                        .setCreateRequest(WatchCreateRequest.newBuilder()
                                .setKey(EtcdClient.ZERO)
                                .setRangeEnd(EtcdClient.ZERO)
                                .setStartRevision(start)
                                .setProgressNotify(true))
                        .build());
                while (!over && !ended.await(1 + random.nextInt(mostMillis), TimeUnit.MILLISECONDS)) {
                    requests.onNext(WatchRequest.newBuilder()
                            .setProgressRequest(WatchProgressRequest.getDefaultInstance())
                            .build());
                }
                requests.onCompleted();
            } catch (IllegalStateException e) {
                awaitEnd();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        /** The connection is ending: after that nothing comes from it any more. */
        private void awaitEnd() {
            try {
                if (!ended.await(10, TimeUnit.SECONDS)) {
                    throw new IllegalStateException("a connection that was lost does not end");
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        /** What a connection says that was given up does not count: what it missed was asked for again. */
        @Override
        public void onNext(WatchResponse response) {
            if (open != this || over) {
                return;
            }
            long revision = response.getHeader().getRevision();
            if (response.getCanceled()) {
                log.add(new WatchLog.Cancelled(response.getCompactRevision(), response.getCancelReason()));
                ended.countDown();
            } else if (response.getEventsCount() > 0) {
                List<Change> changes =
                        response.getEventsList().stream().map(Change::of).toList();
                log.add(new WatchLog.Told(revision, changes, System.nanoTime()));
            } else if (!response.getCreated()) {
                log.add(new WatchLog.Progress(revision));
            }
        }

        @Override
        public void onError(Throwable error) {
            ended.countDown();
        }

        @Override
        public void onCompleted() {
            ended.countDown();
        }
    }
}
