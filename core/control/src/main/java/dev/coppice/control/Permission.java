package dev.coppice.control;

import java.util.List;

/**
 * What somebody has to be allowed to do with a resource, as a rule of RBAC says it. Immutable.
 *
 * @param group the API group; empty for core
 * @param resource plural, with a sub-resource after a slash, such as {@code healthchecks/status}
 * @param verbs such as {@code list}
 * @param namespaced whether it can be granted for single namespaces
 */
public record Permission(String group, String resource, List<String> verbs, boolean namespaced) {

    public Permission {
        verbs = List.copyOf(verbs);
    }

    /** For objects in namespaces. */
    public static Permission namespaced(String group, String resource, String... verbs) {
        return new Permission(group, resource, List.of(verbs), true);
    }

    /** For objects of the cluster. */
    public static Permission cluster(String group, String resource, String... verbs) {
        return new Permission(group, resource, List.of(verbs), false);
    }

    /** What a controller of a kind needs: to watch its objects, and to write their statuses. */
    public static List<Permission> ofController(Kind<?, ?> kind) {
        return List.of(
                new Permission(kind.group(), kind.plural(), List.of("get", "list", "watch"), kind.namespaced()),
                new Permission(kind.group(), kind.plural() + "/status", List.of("patch"), kind.namespaced()));
    }
}
