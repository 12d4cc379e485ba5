package dev.coppice.gateway.filter;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** The filter {@code Test}, which does what its configuration, or the header {@code Do} of a request, says. */
public final class TestFilters implements FilterFactory {
    /** What waiting calls wait for, however often they are interrupted if they are stubborn. */
    public static volatile CountDownLatch gate = new CountDownLatch(0);

    public static final AtomicInteger INTERRUPTED = new AtomicInteger();

    @Override
    public String name() {
        return "Test";
    }

    @Override
    public List<String> problems(ObjectNode config) {
        if (config.has("crash")) {
            throw new IllegalStateException("crash");
        }
        return config.has("wrong") ? List.of("wrong: it is", "wrong: it is indeed") : List.of();
    }

    @Override
    public Filter create(ObjectNode config) {
        if (config.has("uncreatable")) {
            throw new IllegalStateException("it cannot be made");
        }
        return new Filter() {
            @Override
            public int bodyBytes() {
                return config.path("body").asInt(0);
            }

            @Override
            public boolean seesAnswers() {
                return config.path("answers").asBoolean();
            }

            @Override
            public RequestOutcome request(FilterRequest request) throws Exception {
                return TestFilters.request(String.valueOf(request.headers().first("Do")), request);
            }

            @Override
            public HeaderChanges answer(FilterRequest request, FilterAnswer answer) throws Exception {
                return switch (String.valueOf(request.headers().first("Do-Answer"))) {
                    case "crash" -> throw new IllegalStateException("crash");
                    case "wait" -> {
                        gate.await();
                        yield HeaderChanges.set("X-Waited", "yes");
                    }
                    case "framing" -> HeaderChanges.set("Content-Length", "1");
                    default ->
                        new HeaderChanges(
                                List.of("X-Server"),
                                List.of(new HeaderField(
                                        "X-Seen",
                                        answer.status() + " " + answer.headers().first("X-Server") + " "
                                                + request.path())),
                                List.of());
                };
            }
        };
    }

    private static RequestOutcome request(String what, FilterRequest request) throws Exception {
        return switch (what) {
            case "crash" -> throw new IllegalStateException("crash");
            case "overflow" -> throw new StackOverflowError();
            case "nothing" -> null;
            case "wait" -> {
                try {
                    gate.await();
                } catch (InterruptedException e) {
                    INTERRUPTED.incrementAndGet();
                    throw e;
                }
                yield RequestOutcome.ON;
            }
            case "stubborn" -> {
                while (gate.getCount() > 0) {
                    try {
                        gate.await();
                    } catch (InterruptedException e) {
                        INTERRUPTED.incrementAndGet();
                    }
                }
                yield RequestOutcome.ON;
            }
            case "compute" -> {
                while (gate.getCount() > 0) {
                    Thread.onSpinWait();
                }
                yield RequestOutcome.ON;
            }
            case "answer" ->
                new RequestOutcome.Answered(
                        402,
                        List.of(new HeaderField("Content-Type", "text/plain"), new HeaderField("X-Own", "1")),
                        "pay first\n".getBytes(StandardCharsets.UTF_8));
            case "framing" -> new RequestOutcome.Passed(HeaderChanges.set("Transfer-Encoding", "chunked"));
            case "host" -> new RequestOutcome.Passed(HeaderChanges.set("Host", "evil.example"));
            case "path" -> new RequestOutcome.Passed(HeaderChanges.NONE, "/new" + request.path(), "?a=b");
            case "dots" -> new RequestOutcome.Passed(HeaderChanges.NONE, "/../a", null);
            case "split" -> new RequestOutcome.Passed(HeaderChanges.set("A", "b\r\nEvil: 1"));
            default ->
                new RequestOutcome.Passed(new HeaderChanges(
                        List.of("Do"),
                        List.of(new HeaderField(
                                "X-Filter",
                                String.join(
                                        " ",
                                        request.method(),
                                        request.scheme(),
                                        request.host(),
                                        request.path(),
                                        request.query(),
                                        request.client(),
                                        request.route(),
                                        request.headers().first("X-Before"),
                                        new String(request.body(), StandardCharsets.UTF_8),
                                        String.valueOf(request.whole())))),
                        List.of()));
        };
    }
}
