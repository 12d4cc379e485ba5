package dev.coppice.store.raft;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Message;
import dev.coppice.kernel.SimulatedClock;
import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LeaderWatchTest {

    /** Says what the test says. */
    private static final class Way implements PeerTransport {
        private final List<Consumer<String>> connected = new ArrayList<>();
        private final List<Consumer<String>> refused = new ArrayList<>();
        private final List<String> asked = new ArrayList<>();

        @Override
        public <Q extends Message, A extends Message> void call(
                String peer, MethodDescriptor<Q, A> method, Q request, long timeoutMillis, Answer<A> answer) {}

        @Override
        public <Q extends Message, A extends Message> void call(
                String peer, StreamedMethod<Q, A> method, Q request, long timeoutMillis, Answer<A> answer) {}

        @Override
        public boolean reachable(String peer) {
            return asked.add(peer);
        }

        @Override
        public void disconnect(String peer) {}

        @Override
        public void onConnected(Consumer<String> listener) {
            connected.add(listener);
        }

        @Override
        public void onRefused(Consumer<String> listener) {
            refused.add(listener);
        }

        @Override
        public void close() {}
    }

    private final Way way = new Way();
    private final List<Integer> timeouts = new ArrayList<>();
    private final Leaders leaders = new Leaders(new SimulatedClock(), Duration.ofSeconds(3));

    @BeforeEach
    void watch() {
        var _ = new LeaderWatch(timeouts::add, leaders, way, Duration.ofSeconds(1), Runnable::run);
    }

    private void elected(String name, long term) {
        leaders.elected(new Leaders.Leader(name, term, name.equals("me")));
    }

    @Test
    void aLeaderWhoseNodeRefusesConnectionsIsWaitedForLess() {
        elected("a", 1);
        assertThat(way.asked).containsExactly("a");
        way.refused.forEach(each -> each.accept("b"));
        assertThat(timeouts).isEmpty();
        way.refused.forEach(each -> each.accept("a"));
        assertThat(timeouts).containsExactly(300);
    }

    @Test
    void whoLeadsNextIsWaitedForInFull() {
        elected("a", 1);
        way.refused.forEach(each -> each.accept("a"));
        leaders.lost();
        assertThat(timeouts).containsExactly(300);
        elected("b", 2);
        assertThat(timeouts).containsExactly(300, 1000);
    }

    @Test
    void soIsOneThatIsThereAgain() {
        elected("a", 1);
        way.refused.forEach(each -> each.accept("a"));
        way.connected.forEach(each -> each.accept("a"));
        assertThat(timeouts).containsExactly(300, 1000);
    }

    @Test
    void aMemberThatLeadsWaitsForNobody() {
        elected("me", 1);
        assertThat(way.asked).isEmpty();
        way.refused.forEach(each -> each.accept("me"));
        assertThat(timeouts).isEmpty();
    }
}
