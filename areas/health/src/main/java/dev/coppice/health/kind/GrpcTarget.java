package dev.coppice.health.kind;

import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Required;
import org.jspecify.annotations.Nullable;

/** A question to a gRPC service by the gRPC health checking protocol. */
@Description("A question to a server by the gRPC health checking protocol (grpc.health.v1).")
public record GrpcTarget(
        @Required @Length(min = 1, max = 253) @Description("Host name or address.")
        String host,

        @Required @Minimum(1) @Maximum(65535) @Description("The port.")
        Integer port,

        @Length(max = 1024) @Description("The service asked about; by default the whole server.") @Nullable
        String service,

        @Description("Speaks TLS; plain text without it.") @Nullable
        TlsOptions tls) {}
