package dev.coppice.gateway.tap;

import dev.coppice.expression.InvalidExpressionException;
import dev.coppice.gateway.expression.RequestExpression;
import dev.coppice.schema.GoDuration;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which requests and streams somebody wants to watch, and for how long. Immutable.
 *
 * @param route {@code NAMESPACE/NAME}; empty for all
 * @param protocols of HTTP, TCP, TLS (streams, ended here or passed through) and UDP; empty for all
 * @param match a condition; null for all
 * @param headers whether headers are shown
 * @param limit it is over after so many requests
 * @param duration it is over after so long
 */
public record TapQuestion(
        String route,
        Set<String> protocols,
        @Nullable RequestExpression match,
        boolean headers,
        int limit,
        Duration duration) {
    /** Of requests, in whatever version, and with or without TLS. */
    static final String HTTP = "HTTP";

    private static final Set<String> PROTOCOLS = Set.of(HTTP, "TCP", "TLS", "UDP");
    private static final int MOST_REQUESTS = 100_000;
    private static final Duration MOST_TIME = Duration.ofMinutes(10);

    public TapQuestion {
        protocols = Set.copyOf(protocols);
    }

    /**
     * Reads one; empty texts stand for 100 requests, a minute, and no headers.
     *
     * @throws IllegalArgumentException with all that is wrong
     */
    public static TapQuestion of(
            String route, String protocols, String match, String headers, String limit, String duration) {
        List<String> problems = new ArrayList<>();
        if (!route.isEmpty() && !route.matches("[^/]+/[^/]+")) {
            problems.add("route: \"" + route + "\": expected NAMESPACE/NAME");
        }
        Set<String> chosen = new HashSet<>();
        for (String each : protocols.split(",", -1)) {
            String protocol = each.strip().toUpperCase(Locale.ROOT);
            if (PROTOCOLS.contains(protocol)) {
                chosen.add(protocol);
            } else if (!protocols.isEmpty()) {
                problems.add("protocol: \"" + each + "\": expected some of HTTP, TCP, TLS, UDP, such as TCP,TLS");
            }
        }
        if (!headers.matches("true|false|")) {
            problems.add("headers: \"" + headers + "\": expected true or false");
        }
        int most = limit.isEmpty() ? 100 : limit.matches("[0-9]{1,6}") ? Integer.parseInt(limit) : 0;
        if (most < 1 || most > MOST_REQUESTS) {
            problems.add("limit: \"" + limit + "\": expected 1 to " + MOST_REQUESTS + " requests");
        }
        Duration time = duration.isEmpty() ? Duration.ofMinutes(1) : GoDuration.parse(duration);
        if (time == null || !time.isPositive() || time.compareTo(MOST_TIME) > 0) {
            problems.add("duration: \"" + duration + "\": expected a duration up to 10m, such as 30s");
            time = MOST_TIME;
        }
        RequestExpression condition = null;
        try {
            condition = match.isEmpty() ? null : RequestExpression.outcome(match);
        } catch (InvalidExpressionException e) {
            problems.add("match: " + e.getMessage());
        }
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(String.join("; ", problems));
        }
        return new TapQuestion(route, chosen, condition, headers.equals("true"), most, time);
    }
}
