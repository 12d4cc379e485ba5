package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.RouteFilterConfig;
import dev.coppice.gateway.file.FileContents;
import dev.coppice.gateway.function.FunctionReading;
import io.prometheus.metrics.core.metrics.Counter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** The HTTPRouteFilters that there are; each is made anew only when it changes. Safe for use by many threads. */
final class RouteFilters {
    private static final System.Logger LOG = System.getLogger(RouteFilters.class.getName());

    private final Executor threads;
    private final Counter calls;
    private final Functions functions;
    private final EndlessCalls endless;
    final FileContents contents = new FileContents();
    private Map<String, RouteFilter> made = Map.of();

    /**
     * None.
     *
     * @param threads for filters of extensions
     * @param calls counts their calls
     * @param endless where those of their calls are that do not end
     */
    RouteFilters(Executor threads, Counter calls, Functions functions, EndlessCalls endless) {
        this.endless = endless;
        this.threads = threads;
        this.calls = calls;
        this.functions = functions;
    }

    synchronized void update(List<RouteFilterConfig> configs) {
        Map<String, RouteFilter> now = new HashMap<>();
        for (RouteFilterConfig each : configs) {
            RouteFilter before = made.get(each.name());
            if (before != null && before.config.equals(each)) {
                now.put(each.name(), before);
                continue;
            }
            try {
                RouteFilter one = new RouteFilter(each, threads, calls, functions, contents, endless);
                if (one.function != null) {
                    one.function.follow(before == null ? null : before.function);
                }
                now.put(each.name(), one);
            } catch (IllegalArgumentException e) {
                // What was saved by another version may be none for this one.
                String then = "its requests are answered with 500: ";
                if (each.function() != null && before != null && before.function != null) {
                    now.put(each.name(), before);
                    then = "the one before stays: ";
                }
                LOG.log(
                        System.Logger.Level.WARNING,
                        "the filter " + each.name() + " cannot be run; " + then + e.getMessage());
            }
        }
        Map<String, FunctionFilter> kept = new HashMap<>();
        now.forEach((name, each) -> {
            if (each.function != null) {
                kept.put(name, each.function);
            }
        });
        functions.keepOnly(kept);
        made.forEach((name, each) -> {
            RouteFilter after = now.get(name);
            // One that follows closes it when its time has come.
            if (each.function != null && after != each && (after == null || after.function == null)) {
                each.function.close();
            }
        });
        made = Map.copyOf(now);
    }

    /** How functions are now, by the names of their filters. */
    synchronized Map<String, FunctionReading> functions() {
        Map<String, FunctionReading> all = new HashMap<>();
        made.forEach((name, each) -> {
            if (each.function != null) {
                all.put(name, each.function.reading());
            }
        });
        return all;
    }

    /**
     * Those that filters of a rule name, in their order.
     *
     * @return null when it names none; an element is null when it cannot be run
     */
    synchronized @Nullable RouteFilter @Nullable [] of(List<FilterConfig> filters) {
        List<@Nullable RouteFilter> all = new ArrayList<>(0);
        for (FilterConfig each : filters) {
            if (each instanceof FilterConfig.Named named) {
                all.add(made.get(named.name()));
            }
        }
        return all.isEmpty() ? null : all.toArray(RouteFilter[]::new);
    }
}
