package dev.coppice.store.raft;

import com.alipay.sofa.jraft.rpc.RpcRequests.AppendEntriesRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.AppendEntriesResponse;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.coppice.kernel.Clock;
import dev.coppice.store.raft.PeerTransport.Answer;
import dev.coppice.store.wire.AppendCall;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The stream on which entries go to one member, in order; its answers come in any order. Safe for use by many threads. */
final class AppendStream {

    /** More than the library lets wait for an answer. */
    private static final int MAX_WAITING = 512;

    private record Waiting(long endNanos, Answer<AppendEntriesResponse> answer) {}

    private final Clock clock;
    private final Map<Long, Waiting> waiting = new LinkedHashMap<>();
    private @Nullable StreamObserver<AppendCall> requests;
    private long number;
    private boolean broken;

    AppendStream(Clock clock) {
        this.clock = clock;
    }

    synchronized void start(StreamObserver<AppendCall> opened) {
        requests = opened;
    }

    synchronized boolean broken() {
        return broken;
    }

    void send(AppendEntriesRequest request, long timeoutMillis, Answer<AppendEntriesResponse> answer) {
        expire();
        synchronized (this) {
            StreamObserver<AppendCall> to = requests;
            if (!broken && to != null && waiting.size() < MAX_WAITING) {
                number++;
                waiting.put(
                        number, new Waiting(clock.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMillis), answer));
                // With the lock held: the order of numbers is the order on the wire.
                to.onNext(AppendCall.newBuilder()
                        .setNumber(number)
                        .setMessage(request.toByteString())
                        .build());
                return;
            }
        }
        answer.failed(Status.UNAVAILABLE
                .withDescription("the stream to the member is broken or full")
                .asRuntimeException());
    }

    StreamObserver<AppendCall> answers() {
        return new StreamObserver<>() {
            @Override
            public void onNext(AppendCall call) {
                Waiting found;
                synchronized (AppendStream.this) {
                    found = waiting.remove(call.getNumber());
                }
                if (found == null) {
                    return;
                }
                try {
                    found.answer().answered(AppendEntriesResponse.parseFrom(call.getMessage()));
                } catch (InvalidProtocolBufferException e) {
                    found.answer().failed(e);
                }
            }

            @Override
            public void onError(Throwable error) {
                end(error);
            }

            @Override
            public void onCompleted() {
                end(Status.UNAVAILABLE
                        .withDescription("the member ended the stream")
                        .asRuntimeException());
            }
        };
    }

    private void end(Throwable error) {
        List<Waiting> left;
        synchronized (this) {
            broken = true;
            left = new ArrayList<>(waiting.values());
            waiting.clear();
        }
        left.forEach(each -> each.answer().failed(error));
    }

    /** Gives up on answers that are overdue; called with every request to the member, heartbeats among them. */
    void expire() {
        List<Waiting> late = new ArrayList<>();
        synchronized (this) {
            long now = clock.nanoTime();
            Iterator<Waiting> oldest = waiting.values().iterator();
            while (oldest.hasNext()) {
                Waiting each = oldest.next();
                if (each.endNanos() - now > 0) {
                    break;
                }
                oldest.remove();
                late.add(each);
            }
        }
        late.forEach(each -> each.answer()
                .failed(Status.DEADLINE_EXCEEDED
                        .withDescription("the member did not answer in time")
                        .asRuntimeException()));
    }
}
