package dev.coppice.store.raft;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.coppice.kernel.Kernel;
import dev.coppice.store.raft.PeerTransport.Answer;
import dev.coppice.store.wire.NumberedMessage;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The stream on which requests of one kind go to one member, in order; their answers come in any order. One that does not come
 * in time has failed. Safe for use by many threads.
 */
final class CallStream<Q extends Message, A extends Message> {

    private record Waiting<A>(long endNanos, Answer<A> answer) {}

    private final Kernel kernel;
    private final Executor threads;
    private final StreamedMethod<Q, A> method;
    private final Map<Long, Waiting<A>> waiting = new LinkedHashMap<>();
    private @Nullable StreamObserver<NumberedMessage> requests;
    private long number;
    private boolean broken;

    /** Whether a timer waits for the answer that is due first. */
    private boolean timed;

    /** @param threads tell of answers that are overdue */
    CallStream(Kernel kernel, StreamedMethod<Q, A> method, Executor threads) {
        this.kernel = kernel;
        this.threads = threads;
        this.method = method;
    }

    synchronized void start(StreamObserver<NumberedMessage> opened) {
        requests = opened;
    }

    synchronized boolean broken() {
        return broken;
    }

    void send(Q request, long timeoutMillis, Answer<A> answer) {
        synchronized (this) {
            StreamObserver<NumberedMessage> to = requests;
            if (!broken && to != null && waiting.size() < method.mostWaiting()) {
                number++;
                long nanos = TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
                waiting.put(number, new Waiting<>(kernel.clock().nanoTime() + nanos, answer));
                if (!timed) {
                    watch(nanos);
                }
                // With the lock held: the order of numbers is the order on the wire.
                to.onNext(NumberedMessage.newBuilder()
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

    StreamObserver<NumberedMessage> answers() {
        return new StreamObserver<>() {
            @Override
            public void onNext(NumberedMessage call) {
                Waiting<A> found;
                synchronized (CallStream.this) {
                    found = waiting.remove(call.getNumber());
                }
                if (found == null) {
                    return;
                }
                try {
                    found.answer().answered(method.answers().parseFrom(call.getMessage()));
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
        List<Waiting<A>> left;
        synchronized (this) {
            broken = true;
            left = new ArrayList<>(waiting.values());
            waiting.clear();
        }
        left.forEach(each -> each.answer().failed(error));
    }

    private void watch(long nanos) {
        timed = true;
        var unused =
                kernel.timers().schedule(Duration.ofNanos(Math.max(nanos, 1)), () -> threads.execute(this::expire));
    }

    /** Gives up on answers that are overdue. */
    private void expire() {
        List<Waiting<A>> late = new ArrayList<>();
        synchronized (this) {
            timed = false;
            long now = kernel.clock().nanoTime();
            Iterator<Waiting<A>> oldest = waiting.values().iterator();
            while (oldest.hasNext()) {
                Waiting<A> each = oldest.next();
                if (each.endNanos() - now > 0) {
                    watch(each.endNanos() - now);
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
