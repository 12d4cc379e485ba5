package dev.coppice.gateway.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.ContentConfig;
import dev.coppice.gateway.config.ContentConfig.Encoding;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.TrafficTarget;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** ContentPolicies: which of them count, and what is said of them. */
class ContentPoliciesTest {
    private static final String GATE = "{group: gateway.networking.k8s.io, kind: Gateway, name: gate}";
    private static final String SHOP = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop}";

    private final World world = new World()
            .service("default", "web", "{name: http, port: 80}", "10.0.0.1")
            .apply("""
                    kind: Gateway
                    metadata: {name: gate}
                    spec: {gatewayClassName: coppice, listeners: [{name: http, port: 80, protocol: HTTP}]}
                    ---
                    kind: HTTPRoute
                    metadata: {name: shop}
                    spec: {parentRefs: [{name: gate}], rules: [{backendRefs: [{name: web, port: 80}]}]}
                    """);

    private void policy(String name, String targets, String fields) {
        world.apply("kind: ContentPolicy\nmetadata: {name: " + name + "}\nspec: {targetRefs: [" + targets + "], "
                + fields + "}");
    }

    private List<String> said(World.Outcome outcome, String policy) {
        return outcome.parents("ContentPolicy", policy);
    }

    @Test
    void whatItSaysIsThereWithDefaults(@TempDir Path directory) throws Exception {
        policy("p", GATE + ", " + SHOP, "compression: {}, maxRequestBytes: 1000");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "p")).containsExactly("Accepted=True/Accepted");
        ContentConfig config = outcome.config().contents().getFirst();
        assertThat(config.targets())
                .containsExactly(
                        new TrafficTarget("Gateway", "default/gate", ""),
                        new TrafficTarget("HTTPRoute", "default/shop", ""));
        assertThat(config.maxRequestBytes()).isEqualTo(1000);
        assertThat(config.compression().encodings()).containsExactly(Encoding.ZSTD, Encoding.BROTLI, Encoding.GZIP);
        assertThat(config.compression().contentTypes()).contains("text/*", "*+json", "application/json");
        assertThat(config.compression().minBytes()).isEqualTo(1024);
        SavedConfig saved = World.saved(directory.resolve("config.json"));
        saved.write(outcome.config());
        assertThat(saved.read()).contains(outcome.config());
        assertThat(new com.fasterxml.jackson.databind.json.JsonMapper()
                        .readValue("{\"listeners\":[],\"upstreams\":[]}", GatewayConfig.class)
                        .contents())
                .isEmpty();
    }

    @Test
    void aCacheIsThereWithDefaults(@TempDir Path directory) throws Exception {
        policy("p", SHOP, "cache: {}");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "p")).containsExactly("Accepted=True/Accepted");
        assertThat(outcome.config().contents().getFirst().cache())
                .isEqualTo(new ContentConfig.Cache(true, 0, 0, 0, 1 << 20, List.of(), List.of(), true, 5_000, ""));
        policy(
                "p",
                SHOP,
                "cache: {defaultTtl: 1m, staleWhileRevalidate: 10s, staleIfError: 1h, clientDirectives: Ignore, collapseTimeout: 100ms, version: a, key: {ignoredQueryParameters: ['utm_*'], headers: [x-tenant]}}");
        outcome = world.translate();
        assertThat(outcome.config().contents().getFirst().cache())
                .isEqualTo(new ContentConfig.Cache(
                        true, 60, 10, 3_600, 1 << 20, List.of("utm_*"), List.of("x-tenant"), false, 100, "a"));
        SavedConfig saved = World.saved(directory.resolve("config.json"));
        saved.write(outcome.config());
        assertThat(saved.read()).contains(outcome.config());
    }

    @Test
    void theOldestOfThoseForATargetCounts() {
        policy("a", SHOP, "maxRequestBytes: 1");
        policy("b", SHOP, "maxRequestBytes: 2");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "a")).containsExactly("Accepted=True/Accepted");
        assertThat(said(outcome, "b")).containsExactly("Accepted=False/Conflicted");
        assertThat(outcome.config().contents()).hasSize(1);
        assertThat(outcome.config().contents().getFirst().compression()).isNull();
        world.remove("ContentPolicy", "default", "a");
        outcome = world.translate();
        assertThat(said(outcome, "b")).containsExactly("Accepted=True/Accepted");
        assertThat(outcome.config().contents().getFirst().maxRequestBytes()).isEqualTo(2);
    }

    @Test
    void aTargetThatIsNotThereIsTold() {
        policy("p", SHOP.replace("shop", "gone") + ", " + SHOP, "compression: {algorithms: [Gzip], minBytes: 0}");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "p"))
                .containsExactlyInAnyOrder("Accepted=False/TargetNotFound", "Accepted=True/Accepted");
        ContentConfig config = outcome.config().contents().getFirst();
        assertThat(config.targets()).contains(new TrafficTarget("HTTPRoute", "default/shop", ""));
        assertThat(config.compression().encodings()).containsExactly(Encoding.GZIP);
        assertThat(config.maxRequestBytes()).isEqualTo(ContentConfig.UNBOUNDED);
    }
}
