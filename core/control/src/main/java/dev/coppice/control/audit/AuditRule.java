package dev.coppice.control.audit;

import dev.coppice.control.request.RequestPath;
import dev.coppice.serving.Identity;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A rule of a policy (audit.k8s.io/v1 PolicyRule): which requests, and how much of them. Empty lists leave a part open.
 *
 * @param namespaces the empty string is for what has no namespace
 * @param omitManagedFields null for what the policy says
 */
record AuditRule(
        AuditLevel level,
        List<String> users,
        List<String> userGroups,
        List<String> verbs,
        List<Resources> resources,
        List<String> namespaces,
        List<String> paths,
        Set<AuditStage> omitStages,
        @Nullable Boolean omitManagedFields) {

    /** Resources of one API group; empty lists stand for all. */
    record Resources(String group, List<String> resources, List<String> names) {

        boolean contain(RequestPath path) {
            if (!group.equals(path.group())) {
                return false;
            }
            if (resources.isEmpty()) {
                return true;
            }
            return (names.isEmpty() || names.contains(path.name()))
                    && resources.stream().anyMatch(r -> is(r, path));
        }

        private static boolean is(String resource, RequestPath path) {
            String sub = path.subresource();
            String whole = sub.isEmpty() ? path.resource() : path.resource() + "/" + sub;
            return resource.equals("*")
                    || resource.equals(whole)
                    || !sub.isEmpty() && resource.equals("*/" + sub)
                    || resource.equals(path.resource() + "/*");
        }
    }

    /** Whether the rule is about a request. */
    boolean matches(Identity identity, String verb, @Nullable RequestPath resource, String path) {
        if (!users.isEmpty() && !users.contains(identity.name())
                || !userGroups.isEmpty() && identity.groups().stream().noneMatch(userGroups::contains)
                || !verbs.isEmpty() && !verbs.contains(verb)) {
            return false;
        }
        if (!namespaces.isEmpty() || !resources.isEmpty()) {
            return resource != null
                    && (namespaces.isEmpty() || namespaces.contains(resource.namespace()))
                    && (resources.isEmpty() || resources.stream().anyMatch(r -> r.contain(resource)));
        }
        return paths.isEmpty() || resource == null && paths.stream().anyMatch(p -> covers(p, path));
    }

    private static boolean covers(String pattern, String path) {
        return pattern.equals("*")
                || pattern.equals(path)
                || pattern.endsWith("*") && path.startsWith(pattern.substring(0, pattern.length() - 1));
    }
}
