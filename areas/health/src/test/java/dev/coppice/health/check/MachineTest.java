package dev.coppice.health.check;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.control.Key;
import dev.coppice.health.check.Observation.Health;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class MachineTest {
    private static final Instant T0 = Instant.parse("2026-03-01T10:00:00Z");
    private static final Observation DOWN = new Observation(Health.DOWN, "refused");
    private static final Rules THREE_TWO = new Rules(3, 2, 0, Duration.ofMinutes(1));
    private static final Circumstances PARENT_FAILS = new Circumstances(false, null, List.of(new Key("ns", "parent")));

    @Test
    void thresholdsCountInARow() {
        Machine m = run(Machine.unknown(T0), THREE_TWO, DOWN, DOWN);
        assertThat(m.state()).isInstanceOf(State.Unknown.class);
        m = run(m, THREE_TWO, Observation.UP, DOWN, DOWN);
        assertThat(m.state()).isInstanceOf(State.Up.class);
        m = run(m, THREE_TWO, DOWN);
        assertThat(m.state()).isEqualTo(new State.Down("refused"));
        m = run(m, THREE_TWO, Observation.UP, DOWN, Observation.UP);
        assertThat(m.state()).isInstanceOf(State.Down.class);
        assertThat(run(m, THREE_TWO, Observation.UP).state()).isInstanceOf(State.Up.class);
    }

    @Test
    void aFailedChildOfAFailedParentIsSuppressedUntilItWasObservedAnew() {
        var step = Machine.unknown(T0).step(Rules.DEFAULT, PARENT_FAILS, DOWN, T0);
        assertThat(step.machine().state()).isInstanceOf(State.Suppressed.class);
        var waiting = step.machine().step(Rules.DEFAULT, Circumstances.PLAIN, null, T0);
        assertThat(waiting.machine().state()).isInstanceOf(State.Suppressed.class);
        assertThat(waiting.transitions()).isEmpty();
        assertThat(waiting.machine()
                        .step(Rules.DEFAULT, Circumstances.PLAIN, DOWN, T0)
                        .machine()
                        .state())
                .isInstanceOf(State.Down.class);
        assertThat(waiting.machine()
                        .step(Rules.DEFAULT, Circumstances.PLAIN, Observation.UP, T0)
                        .machine()
                        .state())
                .isInstanceOf(State.Up.class);
    }

    @Test
    void aWellChildOfAFailedParentIsUp() {
        assertThat(Machine.unknown(T0)
                        .step(Rules.DEFAULT, PARENT_FAILS, Observation.UP, T0)
                        .machine()
                        .state())
                .isInstanceOf(State.Up.class);
    }

    @Test
    void pauseForgetsAndMaintenanceHides() {
        Machine down = run(Machine.unknown(T0), Rules.DEFAULT, DOWN);
        Machine hidden = down.step(Rules.DEFAULT, new Circumstances(false, "upgrade", List.of()), DOWN, T0)
                .machine();
        assertThat(hidden.state()).isEqualTo(new State.Maintenance("upgrade"));
        assertThat(hidden.step(Rules.DEFAULT, Circumstances.PLAIN, null, T0)
                        .machine()
                        .state())
                .isInstanceOf(State.Down.class);
        Machine paused = down.step(Rules.DEFAULT, new Circumstances(true, null, List.of()), null, T0)
                .machine();
        assertThat(paused.state()).isInstanceOf(State.Paused.class);
        assertThat(paused.step(Rules.DEFAULT, Circumstances.PLAIN, null, T0)
                        .machine()
                        .state())
                .isInstanceOf(State.Unknown.class);
    }

    @Test
    void flappingBeginsAndEnds() {
        Rules rules = new Rules(1, 1, 4, Duration.ofMinutes(10));
        Machine m = run(Machine.unknown(T0), rules, Observation.UP, DOWN, Observation.UP, DOWN);
        assertThat(m.flapping()).isFalse();
        var step = m.step(rules, Circumstances.PLAIN, Observation.UP, T0.plusSeconds(60));
        assertThat(step.machine().flapping()).isTrue();
        assertThat(step.transitions()).hasAtLeastOneElementOfType(Transition.FlappingStarted.class);
        var settled = step.machine().step(rules, Circumstances.PLAIN, null, T0.plusSeconds(1200));
        assertThat(settled.machine().flapping()).isFalse();
        assertThat(settled.transitions()).hasOnlyElementsOfType(Transition.FlappingStopped.class);
    }

    @Property(tries = 300)
    void invariantsHoldOnAnyPath(@ForAll long seed) {
        var random = new Random(seed);
        Rules rules = new Rules(
                1 + random.nextInt(4),
                1 + random.nextInt(4),
                random.nextInt(8),
                Duration.ofSeconds(1 + random.nextInt(300)));
        Machine m = Machine.unknown(T0);
        Instant now = T0;
        int row = 0;
        for (int i = 0; i < 200; i++) {
            now = now.plusSeconds(random.nextInt(60));
            Circumstances around = new Circumstances(
                    random.nextInt(20) == 0,
                    random.nextInt(10) == 0 ? "m" : null,
                    random.nextInt(3) == 0 ? List.of(new Key("n", "p")) : List.of());
            Observation o = random.nextInt(5) == 0 ? null : new Observation(Health.values()[random.nextInt(4)], "e");
            Machine.Step step = m.step(rules, around, o, now);
            Machine next = step.machine();
            if (around.paused()) {
                row = 0;
            } else if (o != null && o.health() == Health.DOWN) {
                row++;
            } else if (o != null && o.health() != Health.UNKNOWN) {
                row = 0;
            }
            assertThat(next.failures()).isEqualTo(row);
            assertThat(next.state() instanceof State.Paused).isEqualTo(around.paused());
            if (row >= rules.failureThreshold()) {
                assertThat(next.observed()).isEqualTo(Health.DOWN);
            }
            if (next.state() instanceof State.Suppressed || next.state() instanceof State.Down) {
                assertThat(next.observed()).isEqualTo(Health.DOWN);
            }
            if (!around.failedParents().isEmpty()) {
                assertThat(next.state()).isNotInstanceOf(State.Down.class);
            }
            long changes = step.transitions().stream()
                    .filter(t -> t instanceof Transition.StateChanged)
                    .count();
            assertThat(changes).isEqualTo(next.state().same(m.state()) ? 0 : 1);
            assertThat(next.since()).isEqualTo(changes == 1 ? now : m.since());
            assertThat(next.changes()).hasSizeLessThanOrEqualTo(Machine.MAX_CHANGES);
            assertThat(MachineCodec.read(MachineCodec.write(next))).contains(next);
            m = next;
        }
    }

    private static Machine run(Machine machine, Rules rules, Observation... observations) {
        Machine m = machine;
        for (Observation o : observations) {
            m = m.step(rules, Circumstances.PLAIN, o, T0).machine();
        }
        return m;
    }
}
