package dev.coppice.health.blackbox;

import dev.coppice.probe.InvalidProbeException;
import dev.coppice.probe.PreparedProbe;
import dev.coppice.probe.ProbeResult;
import dev.coppice.probe.Prober;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Handler;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Answers {@code /probe?target=…&module=…} as blackbox_exporter does: an existing Prometheus switches over by changing a
 * port. {@code module} is {@code http_2xx} when it is not given; {@code hostname} sets Host and server name; {@code
 * debug=true} tells what happened. Safe for use by many threads.
 */
public final class BlackboxHandler implements Handler {
    /** What blackbox_exporter takes when nobody says anything. */
    private static final Duration TIMEOUT_MAX = Duration.ofSeconds(120);

    /** Prometheus gives up at its timeout: the answer must be there a little before. */
    private static final Duration OFFSET = Duration.ofMillis(500);

    private static final int CACHED_MAX = 10_000;
    private static final int TARGET_MAX = 4096;

    private record Key(BlackboxModule module, String target, String hostname) {}

    private final Prober prober;
    private final Supplier<BlackboxConfig> config;
    private final Map<Key, PreparedProbe> prepared = new LinkedHashMap<>(64, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, PreparedProbe> eldest) {
            return size() > CACHED_MAX;
        }
    };

    /**
     * A handler.
     *
     * @param config asked for every request, so that it can be reloaded
     */
    public BlackboxHandler(Prober prober, Supplier<BlackboxConfig> config) {
        this.prober = prober;
        this.config = config;
    }

    @Override
    public void handle(Exchange exchange) throws IOException, InterruptedException {
        if (!exchange.method().equals("GET") && !exchange.method().equals("HEAD")) {
            refuse(exchange, 405, "Only GET is answered here");
            return;
        }
        var name = exchange.query("module").filter(m -> !m.isEmpty()).orElse("http_2xx");
        var module = config.get().module(name).orElse(null);
        if (module == null) {
            refuse(exchange, 400, "Unknown module \"" + name + "\"");
            return;
        }
        var target = exchange.query("target").orElse("");
        if (target.isEmpty()) {
            refuse(exchange, 400, "Target parameter is missing");
            return;
        }
        if (!module.unsupported().isEmpty()) {
            refuse(
                    exchange,
                    400,
                    "Module \"" + name + "\" cannot be used: "
                            + module.unsupported().stream()
                                    .map(Object::toString)
                                    .collect(Collectors.joining("; ")));
            return;
        }
        answer(exchange, module, target);
    }

    private void answer(Exchange exchange, BlackboxModule module, String target)
            throws IOException, InterruptedException {
        Duration timeout;
        PreparedProbe probe;
        try {
            timeout = timeout(
                    exchange.header("X-Prometheus-Scrape-Timeout-Seconds").orElse(""), module);
            probe = prepare(module, target, exchange.query("hostname").orElse(""));
        } catch (IllegalArgumentException | InvalidProbeException e) {
            refuse(
                    exchange,
                    400,
                    "Cannot probe \"" + brief(target) + "\" by module \"" + module.name() + "\": " + e.getMessage());
            return;
        }
        var result = probe.run(timeout);
        var http = result.http();
        boolean large = http != null && http.truncated() && module.failsOnLargeBody();
        boolean success = result.success() && !large;
        var text = Exposition.of(probe.spec(), result, success);
        if (exchange.query("debug").orElse("").equals("true")) {
            var reason = large ? "the body is larger than body_size_limit" : result.reason();
            exchange.send("text/plain; charset=utf-8", debug(module, target, timeout, result, success, reason, text));
        } else {
            exchange.send("text/plain; version=0.0.4; charset=utf-8", text);
        }
    }

    private PreparedProbe prepare(BlackboxModule module, String target, String hostname) throws InvalidProbeException {
        if (target.length() > TARGET_MAX || hostname.length() > TARGET_MAX) {
            throw new IllegalArgumentException("the target is longer than " + TARGET_MAX + " characters");
        }
        var key = new Key(module, target, hostname);
        synchronized (prepared) {
            var known = prepared.get(key);
            if (known != null) {
                return known;
            }
        }
        var made = prober.prepare(module.spec(target, hostname.isEmpty() ? null : hostname));
        synchronized (prepared) {
            prepared.put(key, made);
        }
        return made;
    }

    static Duration timeout(String scrape, BlackboxModule module) {
        var longest = TIMEOUT_MAX;
        if (!scrape.isEmpty()) {
            try {
                double seconds = Double.parseDouble(scrape);
                if (seconds > 0 && seconds < 1e6) {
                    longest = Duration.ofNanos((long) (seconds * 1e9));
                }
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException(
                        "failed to parse timeout from Prometheus header: " + brief(scrape), e);
            }
        }
        var left = longest.compareTo(OFFSET) > 0 ? longest.minus(OFFSET) : longest;
        var own = module.timeout();
        return own == null || own.isZero() || own.compareTo(left) > 0 ? left : own;
    }

    private static String debug(
            BlackboxModule module,
            String target,
            Duration timeout,
            ProbeResult result,
            boolean success,
            String reason,
            String metrics) {
        var out = new StringBuilder("Logs for the probe:\n");
        out.append("probe=").append(module.prober()).append(" module=").append(module.name());
        out.append(" target=")
                .append(target)
                .append(" timeout=")
                .append(GoDuration.format(timeout))
                .append('\n');
        if (result.address() != null) {
            out.append("address=").append(result.address()).append('\n');
        }
        out.append(success ? "Probe succeeded" : "Probe failed: " + reason);
        out.append(" duration=").append(GoDuration.format(result.duration())).append('\n');
        if (!result.excerpt().isEmpty()) {
            out.append("\nBeginning of the answer:\n").append(result.excerpt()).append('\n');
        }
        return out.append("\n\n\nMetrics that would have been returned:\n")
                .append(metrics)
                .append("\n\n\nModule configuration:\nprober: ")
                .append(module.prober())
                .append('\n')
                .toString();
    }

    private static String brief(String text) {
        return text.length() <= 200 ? text : text.substring(0, 200) + "…";
    }

    private static void refuse(Exchange exchange, int status, String words) throws IOException {
        exchange.status(status).send("text/plain; charset=utf-8", words + "\n");
    }
}
