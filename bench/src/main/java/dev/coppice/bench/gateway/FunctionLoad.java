package dev.coppice.bench.gateway;

import com.sun.management.ThreadMXBean;
import dev.coppice.gateway.filter.FilterRequest;
import dev.coppice.gateway.filter.Headers;
import dev.coppice.gateway.function.EdgeFunction;
import dev.coppice.gateway.function.FunctionException;
import dev.coppice.gateway.function.FunctionLog;
import dev.coppice.gateway.function.FunctionModule;
import dev.coppice.gateway.function.FunctionOutcome;
import dev.coppice.gateway.function.FunctionRequest;
import dev.coppice.gateway.function.FunctionSettings;
import dev.coppice.gateway.function.GuestMemory;
import dev.coppice.gateway.function.InvalidModuleException;
import dev.coppice.gateway.function.SharedModule;
import dev.coppice.kernel.Clock;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

/**
 * Time and memory of a function's call that sets one header of a request with ten, and the same in a new instance each time, in turns:
 * {@code FunctionLoad [ROUNDS]}. Without what brings a request to the thread that computes, and back.
 */
public final class FunctionLoad {
    private static final int WARM_UP = 5;
    private static final int CALLS = 100_000;
    private static final int NEW_CALLS = 2_000;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** The module of {@code header.wat} among the tests of the gateway. */
    private static final String MODULE =
            "AGFzbQEAAAABEgNgBX9/f39/AGAAAX5gAn9/AAIhAQxodHRwX2hhbmRsZXIQc2V0X2hlYWRlcl92YWx1"
                    + "ZQAAAwMCAQIFBAEBAQEHLQMGbWVtb3J5AgAOaGFuZGxlX3JlcXVlc3QAAQ9oYW5kbGVfcmVzcG9uc2UAAgoVAhAAQQBBAEEKQQpBBRAAQgELAgALCxUBAEEA"
                    + "Cw94LWZ1bmN0aW9uaGVsbG8=";

    private FunctionLoad() {}

    /** One way to call it. */
    private static final class Case {
        final String name;
        final int calls;
        final EdgeFunction function;
        final double[] nanos;
        double bytes;

        Case(String name, int calls, int rounds) throws InvalidModuleException {
            this.name = name;
            this.calls = calls;
            this.nanos = new double[rounds];
            FunctionModule module = FunctionModule.read(Base64.getDecoder().decode(MODULE));
            module.compile();
            function = new EdgeFunction(
                    SharedModule.of(module),
                    new FunctionSettings("default/bench", new byte[0], 1 << 16, 0, 1),
                    new EdgeFunction.Surroundings(Clock.system(), new Random(1), new GuestMemory(1 << 20)),
                    new FunctionLog("default/bench", Clock.system(), _ -> {}));
            if (calls == NEW_CALLS) {
                // One that is closed keeps no instances.
                function.close();
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        int rounds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 11;
        List<Case> cases = List.of(new Case("compiled", CALLS, rounds), new Case("compiled-new", NEW_CALLS, rounds));
        for (int round = -WARM_UP; round < rounds; round++) {
            for (Case each : cases) {
                measure(each, round);
            }
        }
        cases.forEach(FunctionLoad::tell);
    }

    private static FunctionRequest request() {
        return new FunctionRequest(
                new FilterRequest(
                        "GET",
                        "http",
                        "shop.example",
                        "/orders/7",
                        "?page=2",
                        new Headers(List.of(
                                Map.entry("Host", "shop.example"),
                                Map.entry("User-Agent", "bench"),
                                Map.entry("Accept", "*/*"),
                                Map.entry("Accept-Encoding", "gzip"),
                                Map.entry("Accept-Language", "en"),
                                Map.entry("Cache-Control", "no-cache"),
                                Map.entry("Cookie", "session=0123456789abcdef"),
                                Map.entry("Referer", "http://shop.example/"),
                                Map.entry("X-Request-Id", "0123456789abcdef"),
                                Map.entry("DNT", "1"))),
                        "10.1.2.3",
                        "",
                        "default/shop",
                        new byte[0],
                        true),
                "HTTP/1.1",
                "10.1.2.3:4567",
                true);
    }

    private static void measure(Case of, int round) throws FunctionException {
        FunctionRequest request = request();
        long thread = Thread.currentThread().threadId();
        long bytes = THREADS.getThreadAllocatedBytes(thread);
        long cpu = THREADS.getCurrentThreadCpuTime();
        int set = 0;
        for (int i = 0; i < of.calls; i++) {
            set += of.function.request(request) instanceof FunctionOutcome.Passed passed
                    ? passed.changes().headers().set().size()
                    : 0;
        }
        long spent = THREADS.getCurrentThreadCpuTime() - cpu;
        if (set != of.calls) {
            throw new IllegalStateException("not every call has set a header");
        }
        if (round >= 0) {
            of.nanos[round] = (double) spent / of.calls;
            of.bytes = (double) (THREADS.getThreadAllocatedBytes(thread) - bytes) / of.calls;
        }
    }

    private static void tell(Case of) {
        double[] sorted = of.nanos.clone();
        Arrays.sort(sorted);
        System.out.printf(
                Locale.ROOT,
                "{\"bench\":\"gateway-function\",\"case\":\"%s\",\"cpu_ns\":%.0f,\"cpu_ns_least\":%.0f,\"cpu_ns_most\":%.0f,"
                        + "\"bytes\":%.0f,\"rounds\":%d}%n",
                of.name,
                sorted[sorted.length / 2],
                sorted[0],
                sorted[sorted.length - 1],
                of.bytes,
                sorted.length);
    }
}
