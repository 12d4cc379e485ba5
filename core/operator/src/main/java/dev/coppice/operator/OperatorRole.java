package dev.coppice.operator;

import dev.coppice.control.Permission;
import java.util.List;
import java.util.stream.Collectors;

/** What an operator needs to be allowed in a cluster, as checks and as a ClusterRole. */
public final class OperatorRole {
    private static final String DEFINITIONS = "customresourcedefinitions";

    private OperatorRole() {}

    /** What every operator needs besides its areas' own: to install kinds, to record events, and to ask who may do what. */
    public static List<Permission> common() {
        return List.of(
                Permission.cluster("apiextensions.k8s.io", DEFINITIONS, "get", "create", "patch"),
                Permission.namespaced("", "events", "create", "patch"),
                Permission.cluster("authorization.k8s.io", "subjectaccessreviews", "create"));
    }

    /** What leader election needs, in the namespace of its Leases. */
    public static List<Permission> election() {
        return List.of(Permission.namespaced("coordination.k8s.io", "leases", "get", "create", "update"));
    }

    /** A ClusterRole of these, as YAML. */
    public static String yaml(String name, List<Permission> permissions) {
        String rules = permissions.stream()
                .map(each -> """
                          - apiGroups: ["%s"]
                            resources: [%s]
                            verbs: [%s]
                        """.formatted(each.group(), each.resource(), String.join(", ", each.verbs())))
                .collect(Collectors.joining());
        return """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRole
                metadata:
                  name: %s
                rules:
                """.formatted(name) + rules;
    }
}
