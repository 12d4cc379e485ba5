package dev.coppice.gateway.resilience;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.ResilienceConfig;
import dev.coppice.gateway.config.ResilienceConfig.Breaker.Mode;
import dev.coppice.gateway.resilience.CircuitBreaker.Phase;
import dev.coppice.gateway.resilience.CircuitBreaker.State;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A circuit breaker beside one that remembers every call. */
@Timeout(60)
class CircuitBreakerModelTest {
    private static final long MILLI = 1_000_000;
    private static final long SECOND = 1000 * MILLI;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);

    private static ResilienceConfig.Breaker config(int trialCalls, long rampNanos) {
        return new ResilienceConfig.Breaker(
                Mode.AUTOMATIC,
                10 * SECOND,
                0,
                4,
                50,
                List.of(503),
                80,
                SECOND,
                SECOND,
                8 * SECOND,
                trialCalls,
                rampNanos);
    }

    private static CircuitBreaker breaker(ResilienceConfig.Breaker config) {
        return new CircuitBreaker(config, 0, (_, _) -> {});
    }

    private record Call(long epoch, boolean failed, boolean slow) {}

    /** As its documentation says, with everything kept. */
    private static final class Model {
        private final ResilienceConfig.Breaker config;
        State state = State.CLOSED;
        boolean ramp;
        /** Grows with each change, so that old calls are known. */
        int phase;

        int openings;
        long lastOpen;
        long since;
        private final List<Call> calls = new ArrayList<>();
        int passed;
        private long credit;

        Model(ResilienceConfig.Breaker config) {
            this.config = config;
        }

        private void turn(State to, boolean toRamp, long now) {
            state = to;
            ramp = toRamp;
            phase++;
            since = now;
            passed = 0;
            credit = 0;
            calls.clear();
        }

        private void open(int times, long now) {
            openings = times;
            lastOpen = config.openNanos();
            for (int i = 1; i < times; i++) {
                lastOpen = Math.min(2 * lastOpen, config.maxOpenNanos());
            }
            lastOpen = Math.min(lastOpen, config.maxOpenNanos());
            turn(State.OPEN, false, now);
        }

        boolean ask(long now) {
            if (state == State.OPEN && now - since >= lastOpen) {
                turn(State.HALF_OPEN, false, now);
            }
            if (ramp && now - since >= config.rampNanos()) {
                turn(State.CLOSED, false, now);
            }
            if (state == State.HALF_OPEN && !ramp) {
                return passed < config.trialCalls() && passed++ >= 0;
            }
            if (ramp) {
                double part = Math.clamp((double) (now - since) / config.rampNanos(), 0.1, 1);
                long before = credit;
                credit += (int) (65536 * part);
                return before / 65536 != credit / 65536;
            }
            return state != State.OPEN;
        }

        private boolean tooMany(List<Call> window, int of) {
            long failed = window.stream().filter(Call::failed).count();
            long slow = window.stream().filter(Call::slow).count();
            return config.failurePercent() > 0 && failed * 100 >= (long) config.failurePercent() * of
                    || config.slowPercent() > 0 && slow * 100 >= (long) config.slowPercent() * of;
        }

        private List<Call> window() {
            long last = calls.getLast().epoch;
            return calls.stream().filter(each -> last - each.epoch < 10).toList();
        }

        void ended(int of, boolean failed, boolean slow, long now) {
            if (of != phase) {
                return;
            }
            long epoch = config.windowNanos() > 0
                    ? now / Math.ceilDiv(config.windowNanos(), 10)
                    : calls.size() / Math.ceilDiv(config.windowCalls(), 10);
            calls.add(new Call(epoch, failed, slow));
            if (state == State.HALF_OPEN && !ramp) {
                if (tooMany(calls, config.trialCalls())) {
                    open(openings + 1, now);
                } else if (calls.size() == config.trialCalls()) {
                    turn(config.rampNanos() > 0 ? State.HALF_OPEN : State.CLOSED, config.rampNanos() > 0, now);
                }
                return;
            }
            List<Call> window = window();
            if (window.size() >= (ramp ? config.trialCalls() : config.minimumCalls())
                    && tooMany(window, window.size())) {
                open(!ramp && now - since >= lastOpen ? 1 : openings + 1, now);
            }
        }

        void dropped(int of) {
            if (of == phase && state == State.HALF_OPEN && !ramp) {
                passed--;
            }
        }
    }

    private record Pending(Phase leave, int phase, long began) {}

    @Test
    void itDecidesAsOneThatRemembersEverything() {
        int[] seen = new int[State.values().length];
        for (int round = 0; round < 500; round++) {
            boolean timed = random.nextBoolean();
            long open = 1 + random.nextLong(2 * SECOND);
            ResilienceConfig.Breaker config = new ResilienceConfig.Breaker(
                    Mode.AUTOMATIC,
                    timed ? 1 + random.nextLong(10 * SECOND) : 0,
                    timed ? 0 : 10 + random.nextInt(50),
                    1 + random.nextInt(10),
                    random.nextInt(4) == 0 ? 0 : 1 + random.nextInt(100),
                    List.of(),
                    random.nextBoolean() ? 0 : 1 + random.nextInt(100),
                    SECOND,
                    open,
                    open * (1 + random.nextInt(9)),
                    1 + random.nextInt(6),
                    random.nextBoolean() ? 0 : 1 + random.nextLong(2 * SECOND));
            List<State> changes = new ArrayList<>();
            CircuitBreaker breaker = new CircuitBreaker(config, 0, (_, to) -> changes.add(to));
            Model model = new Model(config);
            List<Pending> pending = new ArrayList<>();
            long now = 0;
            int bad = random.nextInt(100);
            for (int i = 0; i < 400; i++) {
                now += random.nextLong(100 * MILLI) * (random.nextInt(20) == 0 ? 20 : 1);
                String what = "seed %d, round %d, step %d: %s".formatted(seed, round, i, config);
                if (random.nextInt(50) == 0) {
                    bad = random.nextInt(100);
                }
                if (random.nextBoolean() || pending.isEmpty()) {
                    Phase leave = breaker.ask(now);
                    assertThat(leave != null).as(what).isEqualTo(model.ask(now));
                    if (leave != null) {
                        pending.add(new Pending(leave, model.phase, now));
                    }
                } else {
                    Pending ending = pending.remove(random.nextInt(pending.size()));
                    if (random.nextInt(10) == 0) {
                        breaker.dropped(ending.leave);
                        model.dropped(ending.phase);
                    } else {
                        boolean failed = random.nextInt(100) < bad;
                        long nanos = random.nextInt(100) < bad ? SECOND : SECOND - 1;
                        breaker.ended(ending.leave, failed, nanos, now);
                        model.ended(ending.phase, failed, config.slowPercent() > 0 && nanos >= SECOND, now);
                    }
                }
                assertThat(breaker.state()).as(what).isEqualTo(model.state);
                CircuitBreaker.Reading reading = breaker.read(now);
                assertThat(reading.openings()).as(what).isEqualTo(model.openings);
                assertThat(reading.retryNanos())
                        .as(what)
                        .isEqualTo(model.state == State.OPEN ? Math.max(0, model.lastOpen - (now - model.since)) : 0);
                seen[model.state.ordinal()]++;
            }
        }
        // Otherwise it would say little.
        assertThat(seen[State.OPEN.ordinal()]).as("seed %d", seed).isPositive();
        assertThat(seen[State.HALF_OPEN.ordinal()]).as("seed %d", seed).isPositive();
    }

    @Test
    void theTimeItIsOpenDoublesUpToABoundAndBeginsAnewAfterAGoodTime() {
        CircuitBreaker breaker = breaker(config(1, 0));
        long now = 0;
        for (int i = 0; i < 4; i++) {
            breaker.ended(leave(breaker, now), true, 0, now);
        }
        for (long seconds : List.of(1L, 2L, 4L, 8L, 8L)) {
            assertThat(breaker.state()).isEqualTo(State.OPEN);
            assertThat(breaker.retryNanos(now)).isEqualTo(seconds * SECOND);
            now += seconds * SECOND - 1;
            assertThat(breaker.ask(now)).isNull();
            now++;
            breaker.ended(leave(breaker, now), true, 0, now);
        }
        now += 8 * SECOND;
        breaker.ended(leave(breaker, now), false, 0, now);
        assertThat(breaker.state()).isEqualTo(State.CLOSED);
        now += 8 * SECOND;
        for (int i = 0; i < 4; i++) {
            breaker.ended(leave(breaker, now), true, 0, now);
        }
        assertThat(breaker.retryNanos(now)).isEqualTo(SECOND);
    }

    private static Phase leave(CircuitBreaker breaker, long now) {
        Phase leave = breaker.ask(now);
        if (leave == null) {
            throw new AssertionError("no call may pass in state " + breaker.state());
        }
        return leave;
    }

    @Test
    void theShareGrowsEvenlyOnceTheTrialsWereWell() {
        CircuitBreaker breaker = breaker(config(2, 10 * SECOND));
        for (int i = 0; i < 4; i++) {
            breaker.ended(leave(breaker, 0), true, 0, 0);
        }
        long now = SECOND;
        Phase first = leave(breaker, now);
        Phase second = leave(breaker, now);
        assertThat(breaker.ask(now)).as("a third trial").isNull();
        breaker.ended(first, false, 0, now);
        breaker.dropped(second);
        second = leave(breaker, now);
        breaker.ended(second, false, 0, now);
        long since = now;
        for (int tenth = 1; tenth <= 10; tenth++) {
            now = since + tenth * SECOND - 1;
            int passed = 0;
            for (int i = 0; i < 1000; i++) {
                passed += breaker.ask(now) != null ? 1 : 0;
            }
            assertThat(passed).isBetween(100 * tenth - 2, 100 * tenth + 1);
        }
        assertThat(breaker.state()).isEqualTo(State.HALF_OPEN);
        assertThat(breaker.ask(since + 10 * SECOND)).isNotNull();
        assertThat(breaker.state()).isEqualTo(State.CLOSED);
    }

    @Test
    void theOperatorHasTheLastWord() {
        for (Mode mode : List.of(Mode.FORCED_OPEN, Mode.DISABLED)) {
            ResilienceConfig.Breaker base = config(1, 0);
            CircuitBreaker breaker = breaker(new ResilienceConfig.Breaker(
                    mode,
                    base.windowNanos(),
                    base.windowCalls(),
                    base.minimumCalls(),
                    base.failurePercent(),
                    base.failureCodes(),
                    base.slowPercent(),
                    base.slowNanos(),
                    base.openNanos(),
                    base.maxOpenNanos(),
                    base.trialCalls(),
                    base.rampNanos()));
            for (int i = 0; i < 100; i++) {
                Phase leave = breaker.ask(i * SECOND);
                assertThat(leave != null).isEqualTo(mode == Mode.DISABLED);
                if (leave != null) {
                    breaker.ended(leave, true, 10 * SECOND, i * SECOND);
                }
            }
            assertThat(breaker.state().name()).isEqualTo(mode.name());
        }
    }

    @Test
    void manyThreadsMakeNoMoreThanTheTrialCallsAndOneChangeEach() throws Exception {
        for (int round = 0; round < 50; round++) {
            AtomicInteger opened = new AtomicInteger();
            AtomicInteger closed = new AtomicInteger();
            CircuitBreaker breaker = new CircuitBreaker(config(3, 0), 0, (_, to) -> {
                if (to == State.OPEN) {
                    opened.incrementAndGet();
                } else if (to == State.CLOSED) {
                    closed.incrementAndGet();
                }
            });
            Threads.run(4, _ -> {
                for (int i = 0; i < 200; i++) {
                    Phase leave = breaker.ask(0);
                    if (leave != null) {
                        breaker.ended(leave, true, 0, 0);
                    }
                }
            });
            assertThat(opened.get()).isEqualTo(1);
            AtomicInteger trials = new AtomicInteger();
            Threads.run(4, number -> {
                for (int i = 0; i < 200; i++) {
                    Phase leave = breaker.ask(SECOND);
                    if (leave != null && breaker.state() == State.HALF_OPEN) {
                        trials.incrementAndGet();
                        if (number == 0) {
                            breaker.dropped(leave);
                            trials.decrementAndGet();
                        }
                        // The others are never told of: they are still on their way.
                    }
                }
            });
            assertThat(trials.get()).isBetween(0, 3);
            assertThat(closed.get()).isZero();
        }
    }
}
