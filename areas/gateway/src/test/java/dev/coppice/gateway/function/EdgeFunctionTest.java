package dev.coppice.gateway.function;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.dylibso.chicory.runtime.HostFunction;
import com.dylibso.chicory.runtime.Instance;
import com.dylibso.chicory.wasm.types.MemoryLimits;
import dev.coppice.gateway.filter.FilterAnswer;
import dev.coppice.gateway.filter.FilterRequest;
import dev.coppice.gateway.filter.HeaderChanges;
import dev.coppice.gateway.filter.HeaderField;
import dev.coppice.gateway.filter.Headers;
import dev.coppice.gateway.filter.RequestOutcome;
import dev.coppice.gateway.function.FunctionException.Reason;
import dev.coppice.kernel.SimulatedClock;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What guests see and do, and that nothing they do is more than a failed call. */
@Timeout(60)
class EdgeFunctionTest {
    private static final byte[] NOTHING = {};
    private static final int PAGE = 65_536;

    private final SimulatedClock clock = new SimulatedClock();
    private final GuestMemory memory = new GuestMemory(100 * PAGE);
    private final ConcurrentLinkedQueue<String> lines = new ConcurrentLinkedQueue<>();
    private int maxInstances = 10;
    private int maxBody = 1000;

    private EdgeFunction function() throws Exception {
        FunctionModule module = FunctionModule.read(TestModules.guest());
        module.compile();
        assertThat(module.runs()).isTrue();
        return function(module);
    }

    private EdgeFunction function(FunctionModule module) {
        return function(SharedModule.of(module));
    }

    private EdgeFunction function(SharedModule module) {
        return new EdgeFunction(
                module,
                new FunctionSettings(
                        "default/test", "{\"a\":1}".getBytes(StandardCharsets.UTF_8), 8L * PAGE, maxBody, maxInstances),
                new EdgeFunction.Surroundings(clock, new Random(1), memory),
                new FunctionLog("default/test", clock, lines::add));
    }

    private static FunctionRequest request(String does, byte[] body, boolean whole, boolean there) {
        return new FunctionRequest(
                new FilterRequest(
                        "GET",
                        "http",
                        "example.org",
                        "/path",
                        "?q=1",
                        new Headers(List.of(
                                Map.entry("Host", "example.org"),
                                Map.entry("Do", does),
                                Map.entry("X-Guest", "before"),
                                Map.entry("x-guest", "again"))),
                        "10.1.2.3",
                        "",
                        "default/route",
                        body,
                        whole),
                "HTTP/1.1",
                "10.1.2.3:4567",
                there);
    }

    private static FunctionRequest request(String does) {
        return request(does, NOTHING, true, true);
    }

    private static String told(FunctionOutcome outcome) {
        FunctionOutcome.Passed passed = (FunctionOutcome.Passed) outcome;
        if (passed.visit() != null) {
            passed.visit().discard();
        }
        HeaderChanges changes = passed.changes().headers();
        return changes.set().isEmpty() ? "" : changes.set().getFirst().value();
    }

    private static FunctionVisit visit(EdgeFunction function, String does) throws Exception {
        FunctionVisit visit = ((FunctionOutcome.Passed) function.request(request(does))).visit();
        assertThat(visit).isNotNull();
        return visit;
    }

    private static SeenAnswer answer(int status, String body, boolean whole) {
        return new SeenAnswer(
                new FilterAnswer(status, new Headers(List.of(Map.entry("Server", "one")))),
                body.getBytes(StandardCharsets.UTF_8),
                whole);
    }

    @Test
    void aGuestSeesWhatTheAbiSays() throws Exception {
        EdgeFunction function = function();
        assertThat(told(function.request(request("u")))).isEqualTo("/path?q=1");
        assertThat(told(function.request(request("g")))).isEqualTo("{\"a\":1}");
        assertThat(told(function.request(request("v")))).isEqualTo("HTTP/1.1");
        assertThat(told(function.request(request("d")))).isEqualTo("GET");
        assertThat(told(function.request(request("i")))).isEqualTo("10.1.2.3:4567");
        assertThat(told(function.request(request("n")))).isEqualTo("host,do,x-guest,");
        assertThat(told(function.request(request("0")))).isEqualTo("97");
        assertThat(told(function.request(request("j"))))
                .isEqualTo(Long.toString(clock.now().getEpochSecond()));
    }

    @Test
    void aGuestChangesARequest() throws Exception {
        EdgeFunction function = function();
        FunctionOutcome.Passed path = (FunctionOutcome.Passed) function.request(request("p"));
        assertThat(path.changes().path()).isEqualTo("/new");
        assertThat(path.changes().query()).isEqualTo("?a=b");
        FunctionOutcome.Passed plain = (FunctionOutcome.Passed) function.request(request(" "));
        assertThat(plain.changes()).isEqualTo(RequestOutcome.ON);
        assertThat(plain.body()).isNull();
        FunctionOutcome.Passed added = (FunctionOutcome.Passed) function.request(request("+"));
        assertThat(added.changes().headers())
                .isEqualTo(new HeaderChanges(
                        List.of(),
                        List.of(),
                        List.of(new HeaderField("x-guest", "1"), new HeaderField("x-guest", "POST"))));
        FunctionOutcome.Passed removed = (FunctionOutcome.Passed) function.request(request("-"));
        assertThat(removed.changes().headers().remove()).containsExactly("x-guest");
        FunctionOutcome.Passed body = (FunctionOutcome.Passed) function.request(request("w"));
        assertThat(body.body()).asString(StandardCharsets.UTF_8).isEqualTo("new body");
    }

    @Test
    void aGuestAnswers() throws Exception {
        FunctionOutcome.Answered own = (FunctionOutcome.Answered) function().request(request("a"));
        assertThat(own.answer().status()).isEqualTo(402);
        assertThat(own.answer().body()).asString(StandardCharsets.UTF_8).isEqualTo("pay first");
        assertThat(own.answer().headers()).containsExactly(new HeaderField("content-type", "text/plain"));
    }

    @Test
    void whatAGuestMayNotDoFailsItsCall() throws Exception {
        EdgeFunction function = function();
        Map<String, String> faults = Map.ofEntries(
                Map.entry("c", "content-length is the gateway's own"),
                Map.entry("s", "set_method"),
                Map.entry("A", "yet lets the request go on"),
                Map.entry("r", "nested too deeply|stack|exhausted"),
                Map.entry("t", "nreachable|rap"),
                Map.entry("x", "next = 2; expected 0 or 1"),
                Map.entry("o", "not within its memory"),
                Map.entry("O", "out of bounds"),
                Map.entry("y", "trailers"),
                Map.entry("E", "ended itself with code 3"));
        faults.forEach((does, why) -> assertThatThrownBy(() -> function.request(request(does)))
                .as(does)
                .isInstanceOfSatisfying(
                        FunctionException.class, e -> assertThat(e.reason()).isEqualTo(Reason.FAILED))
                .message()
                .containsPattern(why));
        assertThat(function.instances()).isZero();
        assertThat(memory.used()).isZero();
        assertThat(told(function.request(request("k")))).isEqualTo("1");
        assertThat(lines).hasSize(faults.size());
    }

    @Test
    void nothingIsGivenByWasi() throws Exception {
        // EBADF (8) for a file, ENOTSUP (58) for waiting, no environment.
        assertThat(told(function().request(request("q")))).isEqualTo("8580");
    }

    @Test
    void trailersAreNotThereAndSaySo() throws Exception {
        assertThat(told(function().request(request("e")))).isEqualTo("30");
    }

    @Test
    void whatItSaysIsLoggedAndBounded() throws Exception {
        EdgeFunction function = function();
        assertThat(told(function.request(request("z")))).isEqualTo("1");
        // One line by log, and one by printing: what it prints has no end of its line yet.
        assertThat(lines).containsExactly("written", "written");
        for (int i = 0; i < 200; i++) {
            String _ = told(function.request(request("z")));
        }
        assertThat(lines).filteredOn("written"::equals).hasSize(100);
        clock.advance(java.time.Duration.ofSeconds(10));
        lines.clear();
        String _ = told(function.request(request("z")));
        assertThat(lines).contains("written");
    }

    @Test
    void memoryHasItsBounds() throws Exception {
        EdgeFunction function = function();
        assertThat(told(function.request(request("m")))).isEqualTo("8");
        FunctionVisit visit = visit(function, "m");
        assertThat(function.instances()).isEqualTo(1);
        visit.answer(answer(200, "", true));
        long overhead = FunctionModule.read(TestModules.guest()).overhead();
        assertThat(memory.used()).isEqualTo(8 * PAGE + overhead);
        List<FunctionVisit> held = new ArrayList<>();
        maxInstances = 100;
        EdgeFunction many = function();
        assertThatThrownBy(() -> {
                    for (int i = 0; i < 100; i++) {
                        held.add(visit(many, "k"));
                    }
                })
                .isInstanceOfSatisfying(
                        FunctionException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BUSY))
                .hasMessageContaining("memory of all functions");
        // The idle instance of the other one has made room.
        assertThat(held).hasSize((int) (100 * PAGE / (2 * PAGE + overhead)));
        assertThat(function.instances()).isZero();
        held.forEach(FunctionVisit::discard);
        function.close();
        assertThat(memory.used()).isZero();
    }

    @Test
    void whatAnInstanceHasGrownByCountsWhileItWaits() throws Exception {
        maxInstances = 100;
        EdgeFunction function = function();
        List<FunctionVisit> held = new ArrayList<>();
        assertThatThrownBy(() -> {
                    for (int i = 0; i < 100; i++) {
                        held.add(visit(function, "m"));
                    }
                })
                .isInstanceOfSatisfying(
                        FunctionException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BUSY))
                .hasMessageContaining("memory of all functions");
        assertThat(held).hasSizeBetween(11, 12);
        held.forEach(FunctionVisit::discard);
        assertThat(memory.used()).isZero();
    }

    @Test
    void instancesHaveTheirBound() throws Exception {
        maxInstances = 2;
        EdgeFunction function = function();
        FunctionVisit one = visit(function, "k");
        FunctionVisit two = visit(function, "k");
        assertThatThrownBy(() -> function.request(request("k")))
                .isInstanceOfSatisfying(
                        FunctionException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BUSY));
        one.answer(answer(200, "", true));
        FunctionVisit three = visit(function, "k");
        two.discard();
        two.discard();
        three.discard();
        assertThat(function.instances()).isZero();
        assertThatThrownBy(() -> three.answer(answer(200, "", true))).hasMessageContaining("its request is over");
    }

    @Test
    void anInstanceIsUsedAgainUntilItIsOld() throws Exception {
        EdgeFunction function = function();
        for (int i = 1; i <= 3; i++) {
            FunctionOutcome.Passed passed = (FunctionOutcome.Passed) function.request(request("k"));
            assertThat(passed.changes().headers().set().getFirst().value()).isEqualTo(Integer.toString(i));
            passed.visit().answer(answer(200, "", true));
        }
        assertThat(function.instances()).isEqualTo(1);
        FunctionVisit one = visit(function, "k");
        FunctionVisit two = visit(function, "k");
        one.answer(answer(200, "", true));
        two.answer(answer(200, "", true));
        assertThat(function.instances()).isEqualTo(2);
        clock.advance(java.time.Duration.ofMinutes(2));
        visit(function, "k").answer(answer(200, "", true));
        assertThat(function.instances()).isEqualTo(1);
        function.close();
        assertThat(function.instances()).isZero();
        visit(function, "k").answer(answer(200, "", true));
        assertThat(function.instances()).isZero();
    }

    @Test
    void nothingRunsBeforeItIsCompiled() throws Exception {
        Deque<Runnable> compiler = new ArrayDeque<>();
        FunctionModules modules = new FunctionModules(100_000, compiler::add, () -> {});
        SharedModule module = modules.of(TestModules.header());
        EdgeFunction function = function(module);
        assertThatThrownBy(() -> function.request(request("")))
                .isInstanceOfSatisfying(
                        FunctionException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BUSY));
        List<String> told = new ArrayList<>();
        module.whenKnown(() -> told.add("waited"));
        assertThat(told).isEmpty();
        compiler.remove().run();
        module.whenKnown(() -> told.add("at once"));
        assertThat(told).containsExactly("waited", "at once");
        FunctionOutcome.Passed passed = (FunctionOutcome.Passed) function.request(request(""));
        assertThat(passed.changes().headers()).isEqualTo(HeaderChanges.set("x-function", "hello"));
        // Its answers are nothing to it, so that nobody waits for them.
        assertThat(passed.visit()).isNull();
        assertThat(function.instances()).isEqualTo(1);
    }

    /** The interpreter would not see at all its branches that it is interrupted. */
    @Test
    void whatIsTooLargeForTheCompilerIsNotRun() throws Exception {
        ByteArrayOutputStream straight = new ByteArrayOutputStream();
        for (int i = 0; i < 20_000; i++) {
            straight.writeBytes(new byte[] {0x41, 0, 0x41, 1, 0x36, 2, 0});
        }
        FunctionModule module = FunctionModule.read(TestModules.handling(straight.toByteArray()));
        module.compile();
        assertThat(module.runs()).isFalse();
        EdgeFunction function = function(module);
        assertThatThrownBy(() -> function.request(request("")))
                .isInstanceOfSatisfying(
                        FunctionException.class, e -> assertThat(e.reason()).isEqualTo(Reason.FAILED))
                .hasMessageContaining("cannot be compiled");
    }

    /** Of the one that was replaced, an instance may wait for its answer for long. */
    @Test
    void aModuleCountsUntilItsLastInstanceIsGone() throws Exception {
        Deque<Runnable> compiler = new ArrayDeque<>();
        byte[] guest = TestModules.guest();
        byte[] header = TestModules.header();
        AtomicInteger news = new AtomicInteger();
        FunctionModules modules = new FunctionModules(guest.length + 1, compiler::add, news::incrementAndGet);
        SharedModule first = modules.of(guest);
        compiler.remove().run();
        EdgeFunction function = function(first);
        FunctionVisit visit = visit(function, "k");
        FunctionVisit other = visit(function, "k");
        SharedModule second = modules.of(header);
        assertThat(second.reading(PAGE, true).state()).isEqualTo(FunctionReading.State.NO_ROOM);
        assertThat(second.reading(PAGE, true).problem())
                .contains("would have " + (guest.length + header.length) + " bytes", "has room for");
        assertThat(modules.withoutRoom()).isEqualTo(1);
        assertThat(compiler).isEmpty();
        assertThat(function.retain()).isTrue();
        function.close();
        function.close();
        visit.discard();
        assertThat(modules.bytes()).isEqualTo(guest.length);
        other.answer(answer(200, "", true));
        assertThat(modules.bytes()).isEqualTo(guest.length);
        int before = news.get();
        function.release();
        // At once, and not when its memory is collected; and who waited for the room has it.
        assertThat(modules.bytes()).isEqualTo(header.length);
        assertThat(news.get()).isEqualTo(before + 1);
        assertThat(function.retain()).isFalse();
        assertThat(first.module()).isNull();
        assertThatThrownBy(() -> function.request(request("u")))
                .isInstanceOfSatisfying(
                        FunctionException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BUSY));
        compiler.remove().run();
        assertThat(second.reading(2 * PAGE, true))
                .isEqualTo(new FunctionReading(FunctionReading.State.RUNS, null, true));
        assertThat(second.reading(PAGE - 1, true).problem())
                .contains("function.maxMemoryBytes: 65535: the module begins with 65536 bytes");
        second.release();
        assertThat(modules.bytes()).isZero();
    }

    // ---- bodies

    @Test
    void aBodyIsWaitedForOnlyWhenItIsRead() throws Exception {
        EdgeFunction function = function();
        assertThat(function.buffersRequests()).isFalse();
        assertThat(function.request(request("b", NOTHING, false, false)))
                .isInstanceOf(FunctionOutcome.BodyNeeded.class);
        assertThat(function.request(request("w", NOTHING, false, false)))
                .isInstanceOf(FunctionOutcome.BodyNeeded.class);
        assertThat(function.instances()).isZero();
        assertThat(lines).isEmpty();
        for (int length : new int[] {0, 1, 99, 100, 101, 1000}) {
            assertThat(told(function.request(request("b", new byte[length], true, true))))
                    .isEqualTo(Integer.toString(length));
        }
    }

    @Test
    void whatIsTooLongIsNotCutShort() throws Exception {
        EdgeFunction function = function();
        for (String does : new String[] {"b", "w"}) {
            assertThatThrownBy(() -> function.request(request(does, new byte[1000], false, true)))
                    .isInstanceOfSatisfying(
                            FunctionException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BODY_TOO_LONG));
        }
        assertThat(told(function.request(request("k", new byte[1000], false, true))))
                .isEqualTo("1");
        maxBody = 7;
        EdgeFunction small = function();
        assertThatThrownBy(() -> small.request(request("w")))
                .isInstanceOfSatisfying(
                        FunctionException.class, e -> assertThat(e.reason()).isEqualTo(Reason.FAILED))
                .hasMessageContaining("more than 7 bytes");
    }

    // ---- answers

    @Test
    void aGuestChangesAnAnswer() throws Exception {
        EdgeFunction function = function();
        FunctionVisit first = visit(function, "1");
        assertThat(first.changesAnswer()).isTrue();
        AnswerOutcome said = first.answer(answer(404, "", true));
        assertThat(said.status()).isEqualTo(404);
        assertThat(said.headers()).isEqualTo(HeaderChanges.set("x-answer", "49404"));
        assertThat(said.body()).isNull();
        assertThat(visit(function, "2").answer(answer(200, "", true)).status()).isEqualTo(503);
        assertThat(visit(function, "3").answer(answer(200, "some text", true)).body())
                .asString(StandardCharsets.UTF_8)
                .isEqualTo("SOME\0TEXT");
        assertThat(visit(function, "7").answer(answer(200, "", true)).body())
                .asString(StandardCharsets.UTF_8)
                .isEqualTo("new body");
        FunctionVisit ahead = visit(function, "h");
        assertThat(ahead.answerHeaders()).isEqualTo(HeaderChanges.set("x-answer", "1"));
        assertThat(ahead.changesAnswer()).isFalse();
        ahead.discard();
    }

    @Test
    void whatCannotBecomeOfAnAnswerFails() throws Exception {
        EdgeFunction function = function();
        Map<String, String> faults = Map.of(
                "5", "nreachable|rap",
                "6", "204 in place of 200",
                "8", "in handle_request only",
                "N", "without the feature buffer_response");
        for (Map.Entry<String, String> each : faults.entrySet()) {
            FunctionVisit visit = visit(function, each.getKey());
            assertThatThrownBy(() -> visit.answer(answer(200, "", true)))
                    .message()
                    .containsPattern(each.getValue());
        }
        FunctionVisit bodiless = visit(function, "7");
        assertThatThrownBy(() -> bodiless.answer(answer(304, "", true))).hasMessageContaining("has no body");
        FunctionVisit cut = visit(function, "7");
        assertThatThrownBy(() -> cut.answer(answer(200, "beginning", false)))
                .isInstanceOfSatisfying(
                        FunctionException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BODY_TOO_LONG));
        assertThat(function.instances()).isZero();
    }

    @Test
    void aGuestIsToldThatThereIsNoAnswer() throws Exception {
        EdgeFunction function = function();
        FunctionVisit visit = visit(function, "1");
        AnswerOutcome _ = visit.answer(SeenAnswer.NONE);
        assertThat(lines).containsExactly("written");
        assertThat(visit.open()).isFalse();
        assertThat(function.instances()).isEqualTo(1);
    }

    // ---- time

    private void interrupted(Callable<?> does) throws Exception {
        try (var threads = Executors.newFixedThreadPool(1)) {
            CountDownLatch begun = new CountDownLatch(1);
            Thread[] thread = new Thread[1];
            Future<?> call = threads.submit(() -> {
                thread[0] = Thread.currentThread();
                begun.countDown();
                return does.call();
            });
            begun.await();
            thread[0].interrupt();
            assertThatThrownBy(call::get)
                    .cause()
                    .isInstanceOfSatisfying(
                            FunctionException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INTERRUPTED));
        }
    }

    @Test
    void whatGoesOnForEverIsInterrupted() throws Exception {
        EdgeFunction function = function();
        FunctionVisit visit = visit(function, "4");
        interrupted(() -> function.request(request("l")));
        interrupted(() -> visit.answer(answer(200, "", true)));
        assertThat(function.instances()).isZero();
    }

    /** Loops by br, br_if and br_table. */
    @Test
    void allLoopsAreInterrupted() throws Exception {
        for (byte[] loop :
                List.of(new byte[] {3, 0x40, 0x0C, 0, 0x0B}, new byte[] {3, 0x40, 0x41, 1, 0x0D, 0, 0x0B}, new byte[] {
                    3, 0x40, 0x41, 1, 0x0E, 1, 0, 0, 0x0B
                })) {
            FunctionModule module = FunctionModule.read(TestModules.handling(loop));
            module.compile();
            EdgeFunction function = function(module);
            interrupted(() -> function.request(request("")));
            assertThat(function.instances()).isZero();
        }
    }

    /** Instructions that move many bytes, one after the other: fill, copy, and fill of a table. */
    @Test
    void whatMovesManyBytesIsInterrupted() throws Exception {
        for (byte[] moves : List.of(
                new byte[] {0x41, 0, 0x41, 0, 0x41, 1, (byte) 0xFC, 0x0B, 0},
                new byte[] {0x41, 0, 0x41, 0, 0x41, 1, (byte) 0xFC, 0x0A, 0, 0},
                new byte[] {0x41, 0, (byte) 0xD0, 0x70, 0x41, 1, (byte) 0xFC, 0x11, 0})) {
            FunctionModule module = FunctionModule.read(TestModules.handling(moves));
            module.compile();
            EdgeFunction function = function(module);
            assertThat(function.request(request(""))).isInstanceOf(FunctionOutcome.Passed.class);
            Thread.currentThread().interrupt();
            try {
                assertThatThrownBy(() -> function.request(request("")))
                        .isInstanceOfSatisfying(
                                FunctionException.class,
                                e -> assertThat(e.reason()).isEqualTo(Reason.INTERRUPTED));
            } finally {
                boolean _ = Thread.interrupted();
            }
        }
    }

    /** So that a call is not longer than its guest says it is. */
    @Test
    void aGuestPrintsSoMuchAtOnce() throws Exception {
        GuardedMemory bytes = new GuardedMemory(new MemoryLimits(1, 1));
        HostFunction write =
                Wasi.functions(clock, new Random(1), new FunctionLog("default/test", clock, lines::add)).stream()
                        .filter(each -> each.name().equals("fd_write"))
                        .findFirst()
                        .orElseThrow();
        Instance instance = Instance.builder(
                        FunctionModule.read(TestModules.handling(new byte[0])).wasm())
                .withMemoryFactory(_ -> bytes)
                .build();
        for (int i = 0; i < 100; i++) {
            bytes.writeI32(8 * i + 4, 300);
        }
        assertThat(write.handle().apply(instance, 1, 0, 100, 1000)).containsExactly(0);
        assertThat(bytes.readInt(1000)).isEqualTo(4000);
        assertThat(write.handle().apply(instance, 1, 0, 2, 1000)).containsExactly(0);
        assertThat(bytes.readInt(1000)).isEqualTo(600);
        assertThat(write.handle().apply(instance, 5, 0, 2, 1000)).containsExactly(8);
        for (int i = 0; i < 100; i++) {
            bytes.writeI32(8 * i + 4, 1);
        }
        assertThat(write.handle().apply(instance, 2, 0, 100, 1000)).containsExactly(0);
        assertThat(bytes.readInt(1000)).isEqualTo(16);
    }
}
