package dev.coppice.health.kind;

import dev.coppice.schema.Description;
import dev.coppice.schema.Required;

/** HTTP basic authentication (RFC 7617). */
@Description("HTTP basic authentication (RFC 7617).")
public record BasicAuth(
        @Required @Description("The user.") String username,
        @Required @Description("The password.") SecretValue password) {}
