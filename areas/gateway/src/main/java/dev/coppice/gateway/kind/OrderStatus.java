package dev.coppice.gateway.kind;

import dev.coppice.schema.Description;
import dev.coppice.schema.Enumeration;
import dev.coppice.schema.ListType;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How far an order is. */
@Description("How far an order is.")
public record OrderStatus(
        @Description("Its address at the server.") @Nullable String url,

        @ListType("atomic") @Description("Where the server says whether the names are ours.")
        List<String> authorizations,

        @Enumeration({"pending", "ready", "processing", "valid", "invalid", "expired", "errored"})
        @Description("As the server has it (RFC 8555, 7.1.6); errored: the server refused it.")
        @Nullable
        String state,

        @Description("Why it is so, in words.") @Nullable String reason,

        @Description("The certificate and those that lead to its authority: PEM in base64.") @Nullable
        String certificate,

        @Description("When it failed.") @Nullable Instant failureTime) {
    public static final OrderStatus EMPTY = new OrderStatus(null, List.of(), null, null, null, null);

    /** Whether nothing will become of it any more. */
    public boolean failed() {
        return "invalid".equals(state) || "expired".equals(state) || "errored".equals(state);
    }

    /** Whether it is over. */
    public boolean ended() {
        return failed() || "valid".equals(state) && certificate != null;
    }

    public OrderStatus at(String place, List<String> names, String now) {
        return new OrderStatus(place, names, now, null, certificate, null);
    }

    public OrderStatus in(String now, @Nullable String why) {
        return new OrderStatus(url, authorizations, now, why, certificate, failureTime);
    }

    public OrderStatus because(@Nullable String why) {
        return in(state == null ? "pending" : state, why);
    }

    public OrderStatus ended(String how, @Nullable String why, Instant when) {
        return new OrderStatus(url, authorizations, how, why, certificate, when);
    }

    public OrderStatus issued(String chain) {
        return new OrderStatus(url, authorizations, "valid", null, chain, null);
    }
}
