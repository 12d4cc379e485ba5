package dev.coppice.health.control;

import dev.coppice.control.Authorizer;
import dev.coppice.control.Informer;
import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.health.check.HostAccess;
import dev.coppice.health.kind.HealthKinds;
import dev.coppice.health.kind.HostAccessClassSpec;
import dev.coppice.health.kind.HostAccessClassStatus;
import dev.coppice.serving.Identity;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Grants host access to a namespace when RBAC allows its ServiceAccounts the verb {@code use} on the class: a
 * ClusterRoleBinding to the group {@code system:serviceaccounts:NAMESPACE}, or to its ServiceAccount {@code default}.
 */
public final class RbacHostAccess implements HostAccess {
    private final Informer<HostAccessClassSpec, HostAccessClassStatus> classes;
    private final Authorizer authorizer;

    public RbacHostAccess(Informer<HostAccessClassSpec, HostAccessClassStatus> classes, Authorizer authorizer) {
        this.classes = classes;
        this.authorizer = authorizer;
    }

    @Override
    public Grant ask(String namespace, String className) {
        Optional<Resource<HostAccessClassSpec, HostAccessClassStatus>> found = classes.get(new Key("", className));
        if (found.isEmpty()) {
            return Grant.refused("there is no HostAccessClass \"" + className + "\"; an administrator has to make it");
        }
        var action = new Authorizer.Action("use", HealthKinds.GROUP, "hostaccessclasses", "", className);
        if (!authorizer.authorize(identity(namespace), action).allowed()) {
            return Grant.refused("namespace \"" + namespace + "\" may not use HostAccessClass \"" + className
                    + "\"; an administrator can grant the group system:serviceaccounts:" + namespace
                    + " the verb use on it");
        }
        HostAccessClassSpec spec = found.get().spec();
        return new Grant(Boolean.TRUE.equals(spec.commands()), Boolean.TRUE.equals(spec.restrictedAddresses()), "");
    }

    /** The ServiceAccount for which a namespace's resources act. */
    static Identity identity(String namespace) {
        return new Identity(
                "system:serviceaccount:" + namespace + ":default",
                "",
                List.of("system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"),
                Map.of());
    }
}
