package dev.coppice.gateway.control;

import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.Collector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.List;

/** The metrics of the control half. */
final class ControlMetrics implements AutoCloseable {
    final Histogram translation = Histogram.builder()
            .name("coppice_gateway_translation_seconds")
            .help("How long it took to make the data plane's configuration of the resources.")
            .classicUpperBounds(0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)
            .classicOnly()
            .build();
    final Histogram apply = Histogram.builder()
            .name("coppice_gateway_apply_seconds")
            .help("How long the data plane took to serve a new configuration.")
            .classicUpperBounds(0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)
            .classicOnly()
            .build();
    final Counter failures = Counter.builder()
            .name("coppice_gateway_control_failures_total")
            .help("What went wrong in the control half: translate, apply, save.")
            .labelNames("step")
            .build();
    final Gauge objects = Gauge.builder()
            .name("coppice_gateway_configured")
            .help(
                    "What the configuration holds: listeners, routes (once for each listener), upstreams, service_listeners (of the"
                            + " listeners those of Services).")
            .labelNames("sort")
            .build();

    final Counter lookups = Counter.builder()
            .name("coppice_gateway_name_lookups_total")
            .help("Look-ups of external names: found, failed, refused (addresses of this machine only), too_many.")
            .labelNames("result")
            .build();
    final Gauge names = Gauge.builder()
            .name("coppice_gateway_external_names")
            .help("Names of Services of the type ExternalName that routes lead to.")
            .build();

    final Gauge filterCharacters = Gauge.builder()
            .name("coppice_gateway_filter_config_map_characters")
            .help("What HTTPRouteFilters have of ConfigMaps, in base64; what several have counts once.")
            .build();

    final Gauge untold = Gauge.builder()
            .name("coppice_gateway_ended_sessions_untold")
            .help(
                    "Names of sessions and subjects that issuers have ended here, and that other gateways cannot know yet.")
            .build();

    private final PrometheusRegistry registry;
    private final List<Collector> all =
            List.of(translation, apply, failures, objects, lookups, names, filterCharacters, untold);

    ControlMetrics(PrometheusRegistry registry) {
        this.registry = registry;
        all.forEach(registry::register);
    }

    @Override
    public void close() {
        all.forEach(registry::unregister);
    }
}
