package dev.coppice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FootprintTest {
    private static final int ENOUGH = 100_000;

    /** What a behaviour may hold. */
    private static final class State {
        private final Map<String, Entry> entries = new HashMap<>();
        private final List<Object> more = new ArrayList<>();
    }

    private record Entry(String text, long number) {}

    @Test
    void moreStateIsMoreMemory() {
        State small = new State();
        State large = new State();
        for (int i = 0; i < 1_000; i++) {
            large.entries.put("key " + i, new Entry("value " + i, i));
        }
        long few = Footprint.of(small, ENOUGH).bytes();
        Footprint.Size many = Footprint.of(large, ENOUGH);
        assertThat(few).isBetween(50L, 500L);
        // A map entry, two short strings and a record: some 150 bytes.
        assertThat(many.bytes()).isBetween(120_000L, 250_000L);
        assertThat(many.cut()).isFalse();
    }

    @Test
    void theWalkEndsAtItsBound() {
        State large = new State();
        for (int i = 0; i < 1_000; i++) {
            large.more.add(new Entry("value " + i, i));
        }
        Footprint.Size size = Footprint.of(large, 100);
        assertThat(size.cut()).isTrue();
        assertThat(size.objects()).isEqualTo(100);
        assertThat(Footprint.of(large, 0).cut()).isTrue();
    }

    @Test
    void loopsAndSharedObjectsCountOnce() {
        State state = new State();
        byte[] shared = new byte[10_000];
        state.more.add(state);
        state.more.add(shared);
        state.more.add(shared);
        assertThat(Footprint.of(state, ENOUGH).bytes()).isBetween(10_000L, 11_000L);
    }

    @Test
    void classesThreadsAndTheKernelAreNotFollowed() {
        try (Kernel kernel = Kernel.start()) {
            State state = new State();
            state.more.add(kernel);
            state.more.add(kernel.root());
            state.more.add(Thread.currentThread());
            state.more.add(String.class);
            assertThat(Footprint.of(state, ENOUGH).objects()).isEqualTo(3);
        }
    }

    @Test
    void partsOfOtherPackagesCountWithTheirOwnFieldsAlone() {
        State state = new State();
        state.more.add(io.prometheus.metrics.core.metrics.Counter.builder()
                .name("some_total")
                .build());
        assertThat(Footprint.of(state, ENOUGH).bytes()).isLessThan(500);
    }
}
