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

    private final Map<String, List<ReferenceGrantSpec>> byNamespace = new HashMap<>();

    Grants(List<Resource<ReferenceGrantSpec, NoStatus>> grants) {
        for (Resource<ReferenceGrantSpec, NoStatus> grant : grants) {
            byNamespace.merge(grant.namespace(), List.of(grant.spec()), Grants::joined);
        }
    }

    private static List<ReferenceGrantSpec> joined(List<ReferenceGrantSpec> a, List<ReferenceGrantSpec> b) {
        return java.util.stream.Stream.concat(a.stream(), b.stream()).toList();
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
