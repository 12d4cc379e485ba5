package dev.coppice.gateway.kind;

import dev.coppice.schema.Description;
import dev.coppice.schema.Enumeration;
import org.jspecify.annotations.Nullable;

/** How far a challenge is. */
@Description("How far a challenge is.")
public record ChallengeStatus(
        @Description("The server was told to look.") @Nullable
        Boolean processing,

        @Description("The gateways were seen showing it.") @Nullable
        Boolean presented,

        @Enumeration({"pending", "processing", "valid", "invalid", "expired", "errored"})
        @Description("As the server has it (RFC 8555, 7.1.6); errored: the server refused to say.")
        @Nullable
        String state,

        @Description("Why it is so, in words.") @Nullable String reason) {
    public static final ChallengeStatus EMPTY = new ChallengeStatus(null, null, null, null);

    public boolean isPresented() {
        return Boolean.TRUE.equals(presented);
    }

    public boolean isProcessing() {
        return Boolean.TRUE.equals(processing);
    }

    /** Whether nothing changes any more. */
    public boolean ended() {
        return state != null && !state.equals("pending") && !state.equals("processing");
    }
}
