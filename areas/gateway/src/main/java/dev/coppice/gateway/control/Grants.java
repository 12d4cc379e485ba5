package dev.coppice.gateway.control;

import dev.coppice.control.Resource;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.gateway.kind.NoStatus;
import dev.coppice.gateway.kind.ReferenceGrantSpec;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Which references into other namespaces are allowed. Immutable. */
final class Grants {
    static final Grants NONE = new Grants(List.of());

    private final Map<String, List<ReferenceGrantSpec>> byNamespace;
    private final boolean forServices;

    private Grants(Map<String, List<ReferenceGrantSpec>> byNamespace, boolean forServices) {
        this.byNamespace = byNamespace;
        this.forServices = forServices;
    }

    Grants(List<Resource<ReferenceGrantSpec, NoStatus>> grants) {
        this(new HashMap<>(), false);
        for (Resource<ReferenceGrantSpec, NoStatus> grant : grants) {
            byNamespace.merge(grant.namespace(), List.of(grant.spec()), Grants::joined);
        }
    }

    private static List<ReferenceGrantSpec> joined(List<ReferenceGrantSpec> a, List<ReferenceGrantSpec> b) {
        return java.util.stream.Stream.concat(a.stream(), b.stream()).toList();
    }

    /** The same for routes of Services: they make nothing reachable that was not, and may lead to Services of all namespaces (GEP-1294). */
    Grants forServices() {
        return new Grants(byNamespace, true);
    }

    /**
     * Whether a route may lead to a Service.
     *
     * @param external it stands for a name outside of the cluster, which nobody reaches by the Service
     */
    boolean allowService(String fromKind, String fromNamespace, String namespace, String name, boolean external) {
        return forServices && !external || allow(fromKind, fromNamespace, "", "Service", namespace, name);
    }

    /**
     * Whether an object of the Gateway API may refer to another one.
     *
     * @param fromKind such as {@code HTTPRoute}
     * @param group of the object it refers to, as {@code kind} and {@code name}
     */
    boolean allow(String fromKind, String fromNamespace, String group, String kind, String namespace, String name) {
        if (fromNamespace.equals(namespace)) {
            return true;
        }
        for (ReferenceGrantSpec grant : byNamespace.getOrDefault(namespace, List.of())) {
            boolean from = grant.from().stream()
                    .anyMatch(each -> each.group().equals(GatewayKinds.GROUP)
                            && each.kind().equals(fromKind)
                            && each.namespace().equals(fromNamespace));
            if (from
                    && grant.to().stream()
                            .anyMatch(each -> each.group().equals(group)
                                    && each.kind().equals(kind)
                                    && (each.name() == null
                                            || each.name().isEmpty()
                                            || each.name().equals(name)))) {
                return true;
            }
        }
        return false;
    }
}
