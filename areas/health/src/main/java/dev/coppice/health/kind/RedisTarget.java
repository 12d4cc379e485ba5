package dev.coppice.health.kind;

import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Required;
import org.jspecify.annotations.Nullable;

/** A Redis or Valkey server that answers PING. */
@Description("A Redis or Valkey server that answers PING.")
public record RedisTarget(
        @Required @Length(min = 1, max = 253) @Description("Host name or address.")
        String host,

        @Default("6379") @Minimum(1) @Maximum(65535) @Description("The port.") @Nullable
        Integer port,

        @Description("The user (Redis 6 ACL).") @Nullable String user,
        @Description("The password.") @Nullable SecretValue password,

        @Description("Speaks TLS; plain text without it.") @Nullable
        TlsOptions tls) {}
