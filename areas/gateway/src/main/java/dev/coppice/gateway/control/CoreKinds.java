package dev.coppice.gateway.control;

import dev.coppice.control.Kind;
import java.util.List;

/** Kinds of Kubernetes' own that are only read, as trees. */
final class CoreKinds {
    /** What is read as a tree. */
    record Nothing() {}

    static final Kind<Nothing, Nothing> SERVICE = kind("", "Service", "services", true);
    static final Kind<Nothing, Nothing> ENDPOINT_SLICE =
            kind("discovery.k8s.io", "EndpointSlice", "endpointslices", true);
    static final Kind<Nothing, Nothing> NAMESPACE = kind("", "Namespace", "namespaces", false);

    private CoreKinds() {}

    private static Kind<Nothing, Nothing> kind(String group, String name, String plural, boolean namespaced) {
        return new Kind<>(
                group,
                "v1",
                name,
                plural,
                namespaced,
                Nothing.class,
                Nothing.class,
                "",
                List.of(),
                List.of(),
                List.of());
    }
}
