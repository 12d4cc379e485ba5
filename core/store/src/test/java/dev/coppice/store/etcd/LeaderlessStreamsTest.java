package dev.coppice.store.etcd;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class LeaderlessStreamsTest {

    private final AtomicBoolean led = new AtomicBoolean(true);
    private final LeaderlessStreams streams = new LeaderlessStreams(led::get);
    private final List<String> ended = new ArrayList<>();

    private void look(int times) {
        for (int i = 0; i < times; i++) {
            streams.check();
        }
    }

    @Test
    void endsThemOnceAfterThreeLooksWithoutALeader() {
        Runnable unused = streams.add(() -> ended.add("one"));
        Runnable forget = streams.add(() -> ended.add("two"));
        look(10);
        assertThat(ended).isEmpty();
        led.set(false);
        look(2);
        assertThat(ended).isEmpty();
        forget.run();
        look(3);
        assertThat(ended).containsExactly("one");
    }

    @Test
    void aNewLeaderInTimeKeepsThem() {
        Runnable unused = streams.add(() -> ended.add("one"));
        led.set(false);
        look(2);
        led.set(true);
        look(1);
        led.set(false);
        look(2);
        assertThat(ended).isEmpty();
    }
}
