package dev.coppice.gateway.authentication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;

/** Tasks that share an executor with others. */
class ExecutorShareTest {
    private final Queue<Runnable> given = new ArrayDeque<>();
    private final List<Integer> done = new ArrayList<>();
    private boolean open = true;
    private final ExecutorShare share = new ExecutorShare(this::take, 2);

    private void take(Runnable task) {
        if (!open) {
            throw new RejectedExecutionException();
        }
        given.add(task);
    }

    private void give(int tasks) {
        for (int i = 0; i < tasks; i++) {
            int number = i;
            share.execute(() -> done.add(number));
        }
    }

    @Test
    void fewRunAtATimeAndAllInTurn() {
        give(5);
        for (int i = 0; i < 5; i++) {
            assertThat(given).hasSize(Math.min(2, 5 - i));
            given.remove().run();
        }
        assertThat(done).containsExactly(0, 1, 2, 3, 4);
        give(3);
        assertThat(given).hasSize(2);
    }

    @Test
    void failuresMakeRoom() {
        share.execute(() -> {
            throw new IllegalStateException("bad");
        });
        give(2);
        Runnable bad = given.remove();
        assertThatThrownBy(bad::run).hasMessage("bad");
        assertThat(given).hasSize(2);
    }

    @Test
    void whatWasTakenOnIsDone() {
        give(4);
        open = false;
        given.remove().run();
        assertThat(done).containsExactly(0, 2, 3);
        given.remove().run();
        assertThat(done).containsExactly(0, 2, 3, 1);
        assertThatThrownBy(() -> give(1)).isInstanceOf(RejectedExecutionException.class);
        open = true;
        give(3);
        assertThat(given).hasSize(2);
    }
}
