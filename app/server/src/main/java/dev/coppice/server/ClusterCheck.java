package dev.coppice.server;

import dev.coppice.control.ApiException;
import dev.coppice.control.Permission;
import dev.coppice.operator.AccessCheck;
import dev.coppice.operator.ClusterAccess;
import dev.coppice.operator.ClusterConnection;
import dev.coppice.operator.ClusterResourceClient;
import dev.coppice.operator.OperatorRole;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Asks a cluster, before anything is written there, whether its user may do all that a process does there. Immutable. */
final class ClusterCheck {
    private static final Duration LIMIT = Duration.ofSeconds(15);

    private final ClusterConnection connection;
    private final ClusterAccess access;
    private final String printRole;

    /**
     * What came of it.
     *
     * @param problems in words for people; empty when all is well
     * @param away the cluster did not answer: it may answer later
     */
    record Outcome(List<String> problems, boolean away) {
        void orThrow() throws StartupException {
            if (!problems.isEmpty()) {
                throw new StartupException(problems, null);
            }
        }
    }

    /** @param printRole the command that prints a fitting role */
    ClusterCheck(ClusterConnection connection, ClusterAccess access, String printRole) {
        this.connection = connection;
        this.access = access;
        this.printRole = printRole;
    }

    /**
     * Asks.
     *
     * @param namespaces where; empty for all
     * @param leases the namespace of Leases
     */
    Outcome ask(List<Permission> permissions, List<String> namespaces, String leases) {
        List<String> missing;
        try {
            AccessCheck check = new AccessCheck(new ClusterResourceClient(connection, "coppice-operator", LIMIT));
            missing = new ArrayList<>(check.missing(permissions, namespaces));
            missing.addAll(check.missing(OperatorRole.election(), List.of(leases)));
        } catch (ApiException e) {
            return new Outcome(List.of(refused(e)), e.code() != 401 && e.code() != 403 && e.code() != 404);
        }
        if (missing.isEmpty()) {
            return new Outcome(List.of(), false);
        }
        List<String> errors = new ArrayList<>();
        missing.forEach(each -> errors.add("not allowed in the cluster: " + each));
        errors.add("grant what is missing to the user of " + access.origin() + ": `" + printRole
                + "` prints the ClusterRole, and docs/operator.md shows how to bind it");
        return new Outcome(errors, false);
    }

    private String refused(ApiException e) {
        if (e.code() == 401) {
            return access.server() + " refused the credentials of " + access.origin() + " (" + e.getMessage()
                    + "): renew them; `kubectl auth whoami` with the same kubeconfig and context tries them";
        }
        if (e.code() == 403) {
            return access.server() + " does not let the user of " + access.origin() + " ask what it may do ("
                    + e.getMessage() + "): grant it the ClusterRole system:basic-user, as all who are authenticated"
                    + " usually have, or correct its credentials";
        }
        if (e.code() == 404) {
            return access.server()
                    + " has no SelfSubjectAccessReview: expected a Kubernetes API server as the server of "
                    + access.origin();
        }
        return e.getMessage() + ": is it up, and is the server of " + access.origin() + " right?";
    }
}
