package dev.coppice.health.kind;

import dev.coppice.control.Kind;
import java.util.List;

/** The kinds of the group {@code health.coppice.dev/v1}. */
public final class HealthKinds {
    public static final String GROUP = "health.coppice.dev";
    public static final String VERSION = "v1";

    /** A check of something's health. */
    public static final Kind<HealthCheckSpec, HealthCheckStatus> HEALTH_CHECK = Kind.namespaced(
                    GROUP,
                    VERSION,
                    "HealthCheck",
                    HealthCheckSpec.class,
                    HealthCheckStatus.class,
                    "HealthCheck checks again and again whether something is healthy, and keeps the results.")
            .withShortNames("hc")
            .withColumn("Status", "string", ".status.state", "The state of what is checked.")
            .withColumn("Since", "date", ".status.since", "Since when it is in this state.")
            .withColumn("Uptime", "string", ".status.uptime.day", "Successful checks in the last 24 hours.")
            .withColumn("Latency", "string", ".status.latency", "How long the last check took.")
            .withColumn("Type", "string", ".status.type", "The sort of check.")
            .withColumn("Target", "string", ".status.target", "What is checked.")
            .withColumn("Age", "date", ".metadata.creationTimestamp", "When it was made.")
            .withColumn(wide("P95", ".status.latencies.p95", "95 of 100 checks of the last hour took no longer."))
            .withColumn(wide("Severity", ".spec.severity", "How bad a failure is."))
            .withColumn(wide("Group", ".spec.group", "The group that it is shown in."))
            .withColumn(wide("Error", ".status.lastError", "The last error."));

    /** Who is told about transitions. */
    public static final Kind<NotificationPolicySpec, NotificationPolicyStatus> NOTIFICATION_POLICY = Kind.namespaced(
                    GROUP,
                    VERSION,
                    "NotificationPolicy",
                    NotificationPolicySpec.class,
                    NotificationPolicyStatus.class,
                    "NotificationPolicy tells people and systems when checks fail and when they are well again.")
            .withShortNames("np")
            .withColumn("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status", "Whether it is accepted.")
            .withColumn("Firing", "integer", ".status.firing", "Problems that are open now.")
            .withColumn("Pending", "integer", ".status.pending", "Notifications that wait to be delivered.")
            .withColumn("Last Delivery", "date", ".status.lastDelivery", "When a notification was delivered last.")
            .withColumn("Age", "date", ".metadata.creationTimestamp", "When it was made.")
            .withColumn(wide("Error", ".status.lastError", "The last error of a delivery."));

    /** A public page. */
    public static final Kind<StatusPageSpec, StatusPageStatus> STATUS_PAGE = Kind.namespaced(
                    GROUP,
                    VERSION,
                    "StatusPage",
                    StatusPageSpec.class,
                    StatusPageStatus.class,
                    "StatusPage publishes the health of chosen checks as a page and JSON that need no login.")
            .withShortNames("sp")
            .withColumn("Status", "string", ".status.state", "What the page says as a whole.")
            .withColumn("Checks", "integer", ".status.checks", "How many checks it shows.")
            .withColumn("Path", "string", ".status.path", "Where it is on the public port.")
            .withColumn("Age", "date", ".metadata.creationTimestamp", "When it was made.");

    /** What checks may do on the host. */
    public static final Kind<HostAccessClassSpec, HostAccessClassStatus> HOST_ACCESS_CLASS = new Kind<>(
                    GROUP,
                    VERSION,
                    "HostAccessClass",
                    "hostaccessclasses",
                    false,
                    HostAccessClassSpec.class,
                    HostAccessClassStatus.class,
                    "HostAccessClass names what checks may do on the node beyond the sandbox; RBAC says who may use it.",
                    List.of(),
                    List.of("coppice"),
                    List.of())
            .withColumn("Commands", "boolean", ".spec.commands", "Whether commands may run without a sandbox.")
            .withColumn(
                    "Addresses",
                    "boolean",
                    ".spec.restrictedAddresses",
                    "Whether link-local and metadata addresses may be probed.")
            .withColumn("Age", "date", ".metadata.creationTimestamp", "When it was made.");

    private HealthKinds() {}

    /** All kinds of the area. */
    public static List<Kind<?, ?>> all() {
        return List.of(HOST_ACCESS_CLASS, HEALTH_CHECK, NOTIFICATION_POLICY, STATUS_PAGE);
    }

    private static Kind.Column wide(String name, String path, String description) {
        return new Kind.Column(name, "string", path, description, true);
    }
}
