package dev.coppice.health.kind;

import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Required;
import org.jspecify.annotations.Nullable;

/** A PostgreSQL server that takes connections. */
@Description(
        "A PostgreSQL server that takes connections. With a password it signs in; without one, being asked for it is success.")
public record PostgresTarget(
        @Required @Length(min = 1, max = 253) @Description("Host name or address.")
        String host,

        @Default("5432") @Minimum(1) @Maximum(65535) @Description("The port.") @Nullable
        Integer port,

        @Default("\"postgres\"") @Description("The user.") @Nullable
        String user,

        @Default("\"postgres\"") @Description("The database.") @Nullable
        String database,

        @Description("The password.") @Nullable SecretValue password,

        @Description("Speaks TLS; plain text without it.") @Nullable
        TlsOptions tls) {}
