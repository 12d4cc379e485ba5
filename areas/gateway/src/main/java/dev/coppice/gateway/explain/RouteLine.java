package dev.coppice.gateway.explain;

import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.explain.Precedence.Placed;
import java.util.List;
import java.util.stream.Collectors;

/**
 * One match of a rule, at a listener. Immutable.
 *
 * @param listener {@code NAMESPACE/GATEWAY, listener NAME}; that of a Service is {@code Service NAMESPACE/NAME, listener PORT}
 * @param address with the port
 * @param route {@code KIND NAMESPACE/NAME}
 * @param backends with their weights, where there are several
 * @param outcome what becomes of its requests, in one sentence
 */
public record RouteLine(
        String listener, String address, String route, String rule, String match, String backends, String outcome) {

    static RouteLine of(ListenerConfig listener, Placed placed, String outcome) {
        List<BackendConfig> all = placed.config().backends();
        return new RouteLine(
                listener.gateway() + ", listener " + listener.title(),
                listener.address() + ":" + listener.port(),
                placed.name(),
                placed.ruleName(),
                placed.words(),
                all.stream()
                        .map(each -> (each.upstream().isEmpty() ? "nowhere" : each.upstream())
                                + (all.size() == 1 ? "" : " (" + each.weight() + ")"))
                        .collect(Collectors.joining(", ")),
                outcome);
    }
}
