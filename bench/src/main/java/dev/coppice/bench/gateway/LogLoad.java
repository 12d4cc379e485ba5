package dev.coppice.bench.gateway;

import com.sun.management.ThreadMXBean;
import dev.coppice.gateway.log.LogClock;
import dev.coppice.gateway.log.LogField;
import dev.coppice.gateway.log.LogFormat;
import dev.coppice.gateway.log.LoggedRequest;
import dev.coppice.gateway.trace.TraceParent;
import dev.coppice.kernel.Clock;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Time and memory of what is told of a request, in turns within one process: a line of an access log in each format, without its way to the
 * disk, and a {@code traceparent} that is read and written anew: {@code LogLoad [ROUNDS]}.
 */
public final class LogLoad {
    private static final int WARM_UP = 5;
    private static final int REQUESTS = 500_000;
    private static final int CHUNK = 32 << 10;
    private static final String PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final StringBuilder text = new StringBuilder(CHUNK + 4096);
    private final LogClock clock = new LogClock(Clock.system());
    private long sum;

    /** A GET, as most are. */
    private static final class Told implements LoggedRequest {
        private int number;

        @Override
        public @Nullable String text(LogField field) {
            return switch (field) {
                case CLIENT -> "192.0.2.7";
                case METHOD -> "GET";
                case HOST -> "shop.example.org";
                case TARGET -> "/catalogue/items?page=2&sort=price";
                case PROTOCOL -> "HTTP/1.1";
                case ROUTE -> "default/shop";
                case UPSTREAM -> "default/shop:80";
                case ENDPOINT -> "10.1.2.3:8080";
                case AGENT -> "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
                default -> "";
            };
        }

        @Override
        public long number(LogField field) {
            return field == LogField.STATUS ? 200 : number;
        }

        @Override
        public @Nullable String requestHeader(String name) {
            return "7f3c";
        }

        @Override
        public @Nullable String responseHeader(String name) {
            return null;
        }
    }

    public static void main(String[] arguments) throws LogFormat.InvalidTemplateException {
        new LogLoad().run(arguments.length > 0 ? Integer.parseInt(arguments[0]) : 11);
    }

    private void run(int rounds) throws LogFormat.InvalidTemplateException {
        Told told = new Told();
        Map<String, IntConsumer> cases = new LinkedHashMap<>();
        cases.put("json", line(LogFormat.JSON, told));
        cases.put("combined", line(LogFormat.COMBINED, told));
        cases.put(
                "template",
                line(
                        LogFormat.template(
                                "{time} {method} {host}{target} {status} {micros} {endpoint} {request.header.x-request-id}"),
                        told));
        cases.put("traceparent", number -> {
            TraceParent read = Objects.requireNonNull(TraceParent.parse(PARENT));
            sum += read.from(number + 1).header().length();
        });
        Map<String, double[]> nanos = new LinkedHashMap<>();
        Map<String, Double> bytes = new LinkedHashMap<>();
        for (int round = -WARM_UP; round < rounds; round++) {
            for (Map.Entry<String, IntConsumer> each : cases.entrySet()) {
                long thread = Thread.currentThread().threadId();
                long allocated = THREADS.getThreadAllocatedBytes(thread);
                long cpu = THREADS.getCurrentThreadCpuTime();
                for (int i = 0; i < REQUESTS; i++) {
                    told.number = i;
                    each.getValue().accept(i);
                }
                long spent = THREADS.getCurrentThreadCpuTime() - cpu;
                if (round >= 0) {
                    nanos.computeIfAbsent(each.getKey(), _ -> new double[rounds])[round] = (double) spent / REQUESTS;
                    bytes.put(each.getKey(), (double) (THREADS.getThreadAllocatedBytes(thread) - allocated) / REQUESTS);
                }
            }
        }
        nanos.forEach((name, all) -> {
            Arrays.sort(all);
            System.out.printf(
                    Locale.ROOT,
                    "{\"bench\":\"gateway-log\",\"case\":\"%s\",\"cpu_ns\":%.1f,\"cpu_ns_least\":%.1f,\"cpu_ns_most\":%.1f,"
                            + "\"bytes\":%.2f,\"rounds\":%d}%n",
                    name,
                    all[all.length / 2],
                    all[0],
                    all[all.length - 1],
                    bytes.get(name),
                    all.length);
        });
        if (sum == 0) {
            throw new IllegalStateException("nothing was measured");
        }
    }

    private IntConsumer line(LogFormat format, LoggedRequest request) {
        return _ -> {
            format.add(text, request, clock);
            text.append('\n');
            if (text.length() >= CHUNK) {
                sum += text.length();
                text.setLength(0);
            }
        };
    }
}
