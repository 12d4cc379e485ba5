package dev.coppice.gateway.kind;

import dev.coppice.control.runtime.Condition;
import dev.coppice.schema.Description;
import dev.coppice.schema.ListMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What became of an issuer. */
@Description("What became of an issuer.")
public record IssuerStatus(
        @Description("The account.") @Nullable Acme acme,

        @ListMap("type") @Description("Ready: the account is registered.")
        List<Condition> conditions) {

    /** The account at an ACME server. */
    @Description("The account at an ACME server.")
    public record Acme(
            @Description("Its address.") @Nullable String uri,

            @Description("The email address that was registered last.") @Nullable
            String lastRegisteredEmail,

            @Description("The SHA-256 hash of the public key that was registered last, in base64.") @Nullable
            String lastPrivateKeyHash) {}
}
