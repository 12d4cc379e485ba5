package dev.coppice.bench.gateway;

import dev.coppice.gateway.GatewayOptions;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.control.Translation;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Time of a translation of many routes: {@code TranslationLoad [ROUTES [SERVICES]]}. First all of them in a fresh JVM; then, after a
 * warm-up, with nothing changed and with one route changed, in turns. What is translated becomes statuses, too, as in a node.
 */
public final class TranslationLoad {
    private static final int WARM_UP = 40;
    private static final int ROUNDS = 21;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private final RoutedCluster cluster;
    private final int routes;
    private final Translation translation = new Translation(GatewayOptions.DEFAULT);
    private Map<String, String> addresses = Map.of();

    private TranslationLoad(int routes, int services) {
        this.cluster = new RoutedCluster(routes, services);
        this.routes = routes;
    }

    private record Round(double wallMillis, double cpuMillis) {}

    public static void main(String[] arguments) {
        int routes = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 10_000;
        int services = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 1_000;
        new TranslationLoad(routes, services).run();
    }

    private void run() {
        tell("first", List.of(translate()));
        for (int i = 0; i < WARM_UP; i++) {
            cluster.change(i % routes);
            Round _ = translate();
        }
        List<Round> unchanged = new ArrayList<>();
        List<Round> changed = new ArrayList<>();
        for (int i = 0; i < ROUNDS; i++) {
            unchanged.add(translate());
            cluster.change((WARM_UP + i) % routes);
            changed.add(translate());
        }
        tell("unchanged", unchanged);
        tell("one-changed", changed);
    }

    private Round translate() {
        var snapshot = cluster.snapshot();
        long wall = System.nanoTime();
        long cpu = THREADS.getCurrentThreadCpuTime();
        Translation.Result result = translation.translate(snapshot, addresses);
        int statuses = result.statuses().with(Map.of(), Map.of()).size();
        Round round = new Round((System.nanoTime() - wall) / 1e6, (THREADS.getCurrentThreadCpuTime() - cpu) / 1e6);
        addresses = result.addresses();
        check(result.config(), statuses);
        return round;
    }

    /** All routes are served and told of: a translation that refuses them would be a fast one. */
    private void check(GatewayConfig config, int statuses) {
        int served = config.listeners().stream()
                .mapToInt(each -> each.routes().size())
                .sum();
        // Besides the routes there are a Gateway and its class.
        if (served != routes || statuses != routes + 2) {
            throw new IllegalStateException("of " + routes + " routes " + served + " are served, and there are "
                    + statuses + " statuses; expected " + (routes + 2));
        }
    }

    private void tell(String what, List<Round> rounds) {
        List<Round> sorted = rounds.stream()
                .sorted(Comparator.comparingDouble(Round::cpuMillis))
                .toList();
        Round median = sorted.get(sorted.size() / 2);
        System.out.printf(
                Locale.ROOT,
                "{\"bench\":\"gateway-translation\",\"case\":\"%s\",\"routes\":%d,\"cpu_ms\":%.1f,\"cpu_ms_least\":%.1f,"
                        + "\"cpu_ms_most\":%.1f,\"wall_ms\":%.1f,\"rounds\":%d}%n",
                what,
                routes,
                median.cpuMillis,
                sorted.getFirst().cpuMillis,
                sorted.getLast().cpuMillis,
                median.wallMillis,
                rounds.size());
    }
}
