package dev.coppice.health.kind;

import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Something that must call in. */
@Description(
        "Something that must call in, at least once per interval, at /health/heartbeat/NAMESPACE/NAME (GET or POST), or"
                + " /health/heartbeat/NAMESPACE/NAME/fail to report a failure.")
public record HeartbeatTarget(
        @Default("\"10s\"") @Description("How much later than the interval a call may come.") @Nullable
        Duration grace,

        @Description(
                "A secret that callers without a login give as the query parameter token or the header X-Heartbeat-Token. It"
                        + " also works on the public port. Without it, callers need the RBAC verb create on healthchecks/heartbeat.")
        @Nullable
        SecretKeyRef tokenSecretRef) {}
