package dev.coppice.server;

import dev.coppice.control.Extension;
import dev.coppice.control.Permission;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.health.HealthExtension;
import dev.coppice.operator.OperatorRole;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** The areas that can run in a Kubernetes cluster: those whose kinds are stored there, and which need nothing else of a node. */
public final class OperatedAreas {
    private static final Map<String, Supplier<Extension>> ALL = new TreeMap<>(Map.of("health", HealthExtension::new));

    private OperatedAreas() {}

    public static List<String> names() {
        return List.copyOf(ALL.keySet());
    }

    static Extension make(String name) {
        return ALL.getOrDefault(name, () -> {
                    throw new IllegalArgumentException("there is no area " + name);
                })
                .get();
    }

    /** What these areas, and all operators, have to be allowed; without leader election. */
    static List<Permission> permissions(List<String> areas) {
        List<Permission> all = new ArrayList<>(OperatorRole.common());
        areas.forEach(area -> all.addAll(make(area).permissions()));
        return List.copyOf(all);
    }

    static Predicate<ResourceType> namespaced(List<String> areas) {
        List<Permission> all = permissions(areas);
        return type -> all.stream()
                .anyMatch(each -> each.namespaced()
                        && each.group().equals(type.group())
                        && each.resource().equals(type.plural()));
    }

    /**
     * The ClusterRoles that an operator needs, as YAML: one to be bound for the cluster; with {@code namespaces} a second one, to be
     * bound in each of them and in that of the Leases.
     */
    public static String role(List<String> areas, boolean namespaces) {
        List<Permission> all = new ArrayList<>(permissions(areas.isEmpty() ? names() : areas));
        all.addAll(OperatorRole.election());
        if (!namespaces) {
            return OperatorRole.yaml("coppice-operator", all);
        }
        return OperatorRole.yaml(
                        "coppice-operator",
                        all.stream().filter(each -> !each.namespaced()).toList())
                + "---\n"
                + OperatorRole.yaml(
                        "coppice-operator-namespaced",
                        all.stream().filter(Permission::namespaced).toList());
    }
}
