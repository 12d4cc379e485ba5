package dev.coppice.operator;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.ResourceClient.EventType;
import dev.coppice.control.ResourceClient.Listing;
import dev.coppice.control.ResourceClient.Query;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.ResourceClient.WatchObserver;
import dev.coppice.control.request.Json;
import dev.coppice.control.runtime.testing.FakeResourceClient;
import dev.coppice.kernel.SimulatedClock;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class NamespacedResourceClientTest {
    private static final ResourceType MAPS = new ResourceType("", "v1", "configmaps");

    private final FakeResourceClient whole = new FakeResourceClient(new SimulatedClock());
    private final List<String> told = new ArrayList<>();
    private final List<ApiException> ends = new ArrayList<>();
    private final WatchObserver observer = new WatchObserver() {
        @Override
        public void event(EventType type, ObjectNode object) {
            told.add(type + " " + Json.text(object, "metadata", "namespace"));
        }

        @Override
        public void closed(@Nullable ApiException error) {
            ends.add(error);
        }
    };

    private NamespacedResourceClient of(String... namespaces) {
        return new NamespacedResourceClient(whole, List.of(namespaces), MAPS::equals);
    }

    private void map(String namespace) {
        whole.create(MAPS, ClusterResourceClientTest.map(namespace, "m", "1"));
    }

    @Test
    void oneNamespaceIsListedAndWatchedAsItIs() {
        map("a");
        map("b");
        Listing listing = of("a").list(MAPS, Query.ALL);
        assertThat(listing.items()).hasSize(1);
        try (var _ = of("a").watch(MAPS, Query.ALL, listing.resourceVersion(), observer)) {
            boolean _ = whole.delete(MAPS, "b", "m");
            boolean _ = whole.delete(MAPS, "a", "m");
            assertThat(told).containsExactly("DELETED a");
        }
    }

    @Test
    void severalAreOneListAndOneWatchThatMissesNothing() {
        map("a");
        map("b");
        map("c");
        Listing listing = of("a", "c").list(MAPS, Query.ALL);
        assertThat(listing.items())
                .extracting(each -> Json.text(each, "metadata", "namespace"))
                .containsExactly("a", "c");
        boolean _ = whole.delete(MAPS, "a", "m");
        try (var _ = of("a", "c").watch(MAPS, Query.ALL, listing.resourceVersion(), observer)) {
            boolean _ = whole.delete(MAPS, "b", "m");
            boolean _ = whole.delete(MAPS, "c", "m");
            assertThat(told).containsExactly("DELETED a", "DELETED c");
        }
        assertThat(ends).isEmpty();
    }

    @Test
    void whenOnePartEndsAllIsListedAnew() {
        Listing listing = of("a", "c").list(MAPS, Query.ALL);
        try (var _ = of("a", "c").watch(MAPS, Query.ALL, listing.resourceVersion(), observer)) {
            whole.closeWatches(null);
            map("a");
        }
        assertThat(told).isEmpty();
        assertThat(ends).singleElement().satisfies(end -> assertThat(end.code()).isEqualTo(410));
    }

    @Test
    void aPlaceInOneNamespaceIsNoPlaceInAll() {
        try (var _ = of("a", "c").watch(MAPS, Query.ALL, "105", observer)) {
            assertThat(ends)
                    .singleElement()
                    .satisfies(end -> assertThat(end.code()).isEqualTo(410));
        }
    }

    @Test
    void typesWithoutNamespacesAndQueriesOfOneArePassedOn() {
        map("b");
        assertThat(of("a", "c").list(MAPS, Query.namespace("b")).items()).hasSize(1);
        NamespacedResourceClient none = new NamespacedResourceClient(whole, List.of("a", "c"), _ -> false);
        assertThat(none.list(MAPS, Query.ALL).items()).hasSize(1);
    }
}
