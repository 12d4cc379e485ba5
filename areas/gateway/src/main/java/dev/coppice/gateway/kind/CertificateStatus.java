package dev.coppice.gateway.kind;

import dev.coppice.control.runtime.Condition;
import dev.coppice.schema.Description;
import dev.coppice.schema.ListMap;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What became of a certificate. */
@Description("What became of a certificate.")
public record CertificateStatus(
        @ListMap("type") @Description("Ready: the Secret holds it. Issuing: one is being ordered.")
        List<Condition> conditions,

        @Description("From when the one in the Secret is good.") @Nullable
        Instant notBefore,

        @Description("Until when it is good.") @Nullable Instant notAfter,

        @Description("When it is renewed.") @Nullable Instant renewalTime,

        @Description("How many certificates there were, with the one in the Secret.") @Nullable
        Integer revision,

        @Description("The Secret with the key of the one that is being ordered.") @Nullable
        String nextPrivateKeySecretName,

        @Description("When an order failed last; nothing after one that succeeded.") @Nullable
        Instant lastFailureTime,

        @Description("How many orders failed, one after the other.") @Nullable
        Integer failedIssuanceAttempts) {
    public static final CertificateStatus EMPTY =
            new CertificateStatus(List.of(), null, null, null, null, null, null, null);

    public int revisionOrNone() {
        return revision == null ? 0 : revision;
    }

    public int failures() {
        return failedIssuanceAttempts == null ? 0 : failedIssuanceAttempts;
    }
}
