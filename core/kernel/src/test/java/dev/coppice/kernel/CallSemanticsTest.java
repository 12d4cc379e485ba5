package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.ProcessOptions.Mode;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Calls, as gen_server:call. */
final class CallSemanticsTest extends ProcessFixture {

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName("a call answers")
    void answers(Mode mode) throws Exception {
        ProcessRef<Mail> ref = process(mode);
        for (int i = 0; i < 100; i++) {
            sync(ref);
        }
        assertThat(kernel.find(ref.name()).orElseThrow().handled()).isGreaterThanOrEqualTo(99);
    }

    @Test
    @DisplayName("the answer may be given later, and by another process")
    void deferred() throws Exception {
        ProcessRef<Mail> server = process();
        ProcessRef<Mail> other = process();
        String answer = server.call(
                reply -> new Do(self -> other.cast(new Do(_ -> {
                    reply.accept("first");
                    reply.accept("second");
                }))),
                SOON);
        assertThat(answer).isEqualTo("first");
        sync(other);
        assertThat(kernel.meters().lateReplies.get()).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName("call timeout exits the caller")
    void timeoutExits(Mode mode) throws Exception {
        ProcessRef<Mail> server = process();
        ProcessRef<Mail> caller = process(mode);
        AtomicReference<ExitReason> end = new AtomicReference<>();
        caller.monitor(down -> end.set(down.reason()));
        caller.cast(new Do(self -> server.<String>call(answer -> new Note("asked"), Duration.ofSeconds(5))));
        assertThat(clock.awaitPending(1, SOON)).isTrue();
        awaitLog("asked");
        clock.advance(Duration.ofSeconds(5).minusNanos(1));
        assertThat(caller.alive()).isTrue();
        clock.advance(Duration.ofNanos(1));
        awaitDeath(caller);
        eventually("heard", () -> end.get() != null);
        assertThat(((ExitReason.Crash) end.get()).cause())
                .isInstanceOf(CallException.class)
                .hasMessage("process /p0 did not answer within PT5S");
        assertThat(log).containsExactly("asked", "terminate Crash");
        sync(server);
    }

    @Test
    @DisplayName("the late reply is dropped and does not leak")
    void lateReply() throws Exception {
        ProcessRef<Mail> server = process();
        AtomicReference<Consumer<String>> kept = new AtomicReference<>();
        ProcessRef<Mail> caller = process();
        caller.cast(new Do(self -> {
            try {
                server.<String>call(answer -> new Do(_ -> kept.set(answer)), Duration.ofSeconds(3));
            } catch (CallException e) {
                log.add(e.getMessage());
            }
        }));
        assertThat(clock.awaitPending(1, SOON)).isTrue();
        eventually("taken", () -> kept.get() != null);
        clock.advance(Duration.ofSeconds(3));
        awaitLog("process /p0 did not answer within PT3S");
        kept.get().accept("late");
        assertThat(kernel.meters().lateReplies.get()).isEqualTo(1);
        assertThat(clock.pending()).isZero();
        assertThat(caller.mailbox()).isZero();
        sync(caller);
        sync(server);
        WeakReference<Consumer<String>> call = new WeakReference<>(kept.getAndSet(null));
        eventually("the call is forgotten", () -> {
            System.gc();
            return call.get() == null;
        });
        assertThat(log).hasSize(1);
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName("a server's death fails the call at once")
    void serverDies(Mode mode) throws Exception {
        ProcessRef<Mail> server = process(mode);
        CountDownLatch release = hold(server);
        Thread caller = beside("call", () -> server.<String>call(Ask::new, Duration.ofHours(1)));
        eventually("request queued", () -> server.mailbox() >= 1);
        server.exit(KILL);
        awaitEnd(caller);
        assertThat(log).containsExactly("call: process /p0 ended: it was killed");
        assertThat(clock.pending()).isZero();
        release.countDown();
    }

    @Test
    @DisplayName("a server that crashes on the request fails the call with the cause")
    void serverCrashes() throws Exception {
        ProcessRef<Mail> server = process();
        assertThatThrownBy(() -> server.<String>call(
                        answer -> new Do(self -> {
                            throw new IllegalStateException("inside");
                        }),
                        SOON))
                .isInstanceOf(CallException.class)
                .hasMessageContaining("it crashed")
                .hasRootCauseMessage("inside");
        assertThatThrownBy(() -> server.<String>call(Ask::new, SOON)).hasMessage("process /p0 is not alive");
    }

    @Test
    @DisplayName("a server that stops without an answer fails the call")
    void serverStops() throws Exception {
        ProcessRef<Mail> server = process();
        assertThatThrownBy(() -> server.<String>call(answer -> new Do(ProcessContext::stop), SOON))
                .hasMessage("process /p0 ended: it was done");
    }

    @Test
    @DisplayName("a process that calls itself is told")
    void callsItself() throws Exception {
        ProcessRef<Mail> ref = process();
        run(ref, self -> {
            try {
                ref.<String>call(Ask::new, SOON);
            } catch (CallException e) {
                log.add(String.valueOf(e.getMessage()));
            }
        });
        awaitLog("process /p0 called itself; it would wait for ever");
    }

    @Test
    @DisplayName("a caller that is ended while it waits ends at once, for that reason")
    void callerDies() throws Exception {
        ProcessRef<Mail> server = process();
        ProcessRef<Mail> caller = process();
        CountDownLatch release = hold(server);
        caller.cast(new Do(self -> server.<String>call(Ask::new, Duration.ofHours(1))));
        assertThat(clock.awaitPending(1, SOON)).isTrue();
        caller.exit(SHUTDOWN);
        awaitDeath(caller);
        awaitLog("terminate Shutdown");
        eventually("no timer left", () -> clock.pending() == 0);
        release.countDown();
        sync(server);
        assertThat(kernel.meters().lateReplies.get()).isEqualTo(1);
    }

    @Test
    @DisplayName("a call to a full mailbox that drops fails at once")
    void fullMailbox() throws Exception {
        ProcessRef<Mail> server = process(ProcessOptions.DEFAULT.withMailbox(1, ProcessOptions.Overflow.DROP));
        CountDownLatch release = hold(server);
        server.cast(new Note("fits"));
        assertThatThrownBy(() -> server.<String>call(Ask::new, SOON)).hasMessage("the mailbox of process /p0 is full");
        release.countDown();
    }
}
