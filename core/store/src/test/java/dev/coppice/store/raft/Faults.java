package dev.coppice.store.raft;

import com.google.protobuf.Message;
import dev.coppice.kernel.Kernel;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/** What goes wrong between members in a test: directions that are cut (nothing arrives, and nobody is told). */
public final class Faults {

    private final Set<List<Long>> cut = ConcurrentHashMap.newKeySet();

    /** Nothing gets from one member to another any more. */
    public void cut(long from, long to) {
        cut.add(List.of(from, to));
    }

    /** Nothing gets to or from a member any more. */
    public void isolate(long member, Collection<Long> others) {
        for (long other : others) {
            if (other != member) {
                cut(member, other);
                cut(other, member);
            }
        }
    }

    public void heal() {
        cut.clear();
    }

    private boolean isCut(long from, long to) {
        return cut.contains(List.of(from, to));
    }

    /** A transport of one member that suffers from these faults. */
    public PeerTransport around(Kernel kernel, long self, PeerTransport sound) {
        return new Faulty(kernel, self, sound);
    }

    private final class Faulty implements PeerTransport {
        private final Kernel kernel;
        private final long self;
        private final PeerTransport sound;

        Faulty(Kernel kernel, long self, PeerTransport sound) {
            this.kernel = kernel;
            this.self = self;
            this.sound = sound;
        }

        private long id(String peer) {
            return Long.parseUnsignedLong(peer.substring(0, peer.indexOf(':')), 16);
        }

        private void lose(long timeoutMillis, Answer<?> answer) {
            var unused = kernel.timers()
                    .schedule(
                            Duration.ofMillis(timeoutMillis),
                            () -> answer.failed(Status.DEADLINE_EXCEEDED
                                    .withDescription("lost by the test")
                                    .asRuntimeException()));
        }

        private <A> Answer<A> through(String to, long timeoutMillis, Answer<A> answer) {
            return new Answer<>() {
                @Override
                public void answered(A message) {
                    if (isCut(id(to), self)) {
                        lose(timeoutMillis, answer);
                    } else {
                        answer.answered(message);
                    }
                }

                @Override
                public void failed(Throwable error) {
                    answer.failed(error);
                }
            };
        }

        @Override
        public <Q extends Message, A extends Message> void call(
                String to, MethodDescriptor<Q, A> method, Q request, long timeoutMillis, Answer<A> answer) {
            if (isCut(self, id(to))) {
                lose(timeoutMillis, answer);
            } else {
                sound.call(to, method, request, timeoutMillis, through(to, timeoutMillis, answer));
            }
        }

        @Override
        public <Q extends Message, A extends Message> void call(
                String to, StreamedMethod<Q, A> method, Q request, long timeoutMillis, Answer<A> answer) {
            if (isCut(self, id(to))) {
                lose(timeoutMillis, answer);
            } else {
                sound.call(to, method, request, timeoutMillis, through(to, timeoutMillis, answer));
            }
        }

        @Override
        public boolean reachable(String peer) {
            return isCut(self, id(peer)) || sound.reachable(peer);
        }

        @Override
        public void disconnect(String peer) {
            sound.disconnect(peer);
        }

        @Override
        public void onConnected(Consumer<String> listener) {
            sound.onConnected(listener);
        }

        @Override
        public void onRefused(Consumer<String> listener) {
            sound.onRefused(listener);
        }

        @Override
        public void close() {
            sound.close();
        }
    }
}
