package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The watchdog's own looks, at handlers that are none. */
final class WatchdogTest {
    private final Kernel kernel = Kernel.start();
    private final Watchdog watchdog = new Watchdog(kernel, false);
    private final List<Telemetry.Event> events = new CopyOnWriteArrayList<>();

    @AfterEach
    void close() {
        kernel.close();
    }

    /** All of one thread, so that all but the first find their place taken. */
    private static final class Busy implements Watchdog.Watched {
        private long progress;

        @Override
        public String watchedName() {
            return "/busy";
        }

        @Override
        public long watchedProgress() {
            return progress;
        }

        @Override
        public Thread watchedThread() {
            return Thread.currentThread();
        }
    }

    private void look(int second) {
        watchdog.look(Duration.ofSeconds(second).toNanos());
    }

    private long slow() {
        return (long) kernel.meters().handlersSlow.get();
    }

    @Test
    @DisplayName("watchdog: a handler is reported again when a later message takes as long, and not before 5 seconds")
    void again() {
        Busy busy = new Busy();
        watchdog.enter(busy);
        look(0);
        look(4);
        assertThat(slow()).isZero();
        look(5);
        look(9);
        assertThat(slow()).isEqualTo(1);
        busy.progress++;
        look(10);
        look(14);
        assertThat(slow()).isEqualTo(1);
        look(15);
        assertThat(slow()).isEqualTo(2);
    }

    @Test
    @DisplayName("watchdog: who has left is not looked at, also when another had its place")
    void left() {
        Busy first = new Busy();
        Busy second = new Busy();
        watchdog.enter(first);
        watchdog.enter(second);
        look(0);
        watchdog.leave(second);
        watchdog.leave(first);
        look(10);
        assertThat(slow()).isZero();
    }

    @Test
    @DisplayName("watchdog: of many at a time all are counted, and ten are told of")
    void many() {
        kernel.telemetry().subscribe("t", "kernel.handler.slow", events::add);
        for (int i = 0; i < 12; i++) {
            watchdog.enter(new Busy());
        }
        look(0);
        look(6);
        assertThat(slow()).isEqualTo(12);
        eventually("ten are told of", () -> events.size() == 10);
        kernel.close(); // and no more come
        assertThat(events).hasSize(10);
    }
}
