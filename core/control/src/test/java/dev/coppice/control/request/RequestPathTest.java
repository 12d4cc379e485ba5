package dev.coppice.control.request;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class RequestPathTest {
    private static RequestPath core(String... rest) {
        return RequestPath.of("", "v1", List.of(rest));
    }

    @Test
    void takesApartNamespacedPaths() {
        RequestPath path = core("namespaces", "n", "configmaps", "c", "status");
        assertThat(path.namespace()).isEqualTo("n");
        assertThat(path.resource()).isEqualTo("configmaps");
        assertThat(path.name()).isEqualTo("c");
        assertThat(path.subresource()).isEqualTo("status");
    }

    @Test
    void namespacesAreResourcesThemselves() {
        assertThat(core("namespaces").resource()).isEqualTo("namespaces");
        assertThat(core("namespaces", "n").name()).isEqualTo("n");
        assertThat(core("namespaces", "n").namespace()).isEqualTo("n");
        assertThat(core("namespaces", "n", "finalize").subresource()).isEqualTo("finalize");
        assertThat(core("namespaces", "n", "configmaps").namespace()).isEqualTo("n");
    }

    @Test
    void knowsTheOldWatchPaths() {
        RequestPath path = core("watch", "namespaces", "n", "configmaps");
        assertThat(path.watch()).isTrue();
        assertThat(path.verb("GET", false)).isEqualTo("watch");
    }

    @Test
    void namesVerbs() {
        assertThat(core("configmaps").verb("GET", false)).isEqualTo("list");
        assertThat(core("configmaps").verb("GET", true)).isEqualTo("watch");
        assertThat(core("namespaces", "n", "configmaps").verb("DELETE", false)).isEqualTo("deletecollection");
        assertThat(core("namespaces", "n", "configmaps", "x").verb("DELETE", false))
                .isEqualTo("delete");
        assertThat(core("namespaces", "n", "configmaps", "x").verb("PUT", false))
                .isEqualTo("update");
    }
}
