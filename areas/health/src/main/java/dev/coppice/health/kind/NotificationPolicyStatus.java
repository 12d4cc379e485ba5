package dev.coppice.health.kind;

import dev.coppice.schema.Description;
import dev.coppice.schema.ListMap;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How notifications went. */
@Description("How notifications went.")
public record NotificationPolicyStatus(
        @Description("Notifications that wait to be delivered.") @Nullable
        Integer pending,

        @Description("Problems that are open now.") @Nullable
        Integer firing,

        @Description("When a notification was delivered last.") @Nullable
        Instant lastDelivery,

        @Description("The last error of a delivery; empty when the last one succeeded.") @Nullable
        String lastError,

        @Description("The value of the health.coppice.dev/test annotation that was last acted on.") @Nullable
        String observedTest,

        @Description("The generation of the spec that the controller accepted.") @Nullable
        Long observedGeneration,

        @ListMap("type") @Description("Ready: accepted. Delivering: the last delivery succeeded.")
        List<Condition> conditions) {

    public NotificationPolicyStatus {
        conditions = Lists.copy(conditions);
    }
}
