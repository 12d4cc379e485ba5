package dev.coppice.gateway.kind;

import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Pattern;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What becomes of bodies, for Gateways and routes (an inherited policy attachment, GEP-713). */
@Required
@Rule(
        value = "has(self.compression) || has(self.maxRequestBytes)",
        message = "compression or maxRequestBytes must be given")
@Description("What becomes of bodies, for Gateways and routes.")
public record ContentPolicySpec(
        @Required
        @ListType("atomic")
        @Length(min = 1, max = 16)
        @Rule(value = PolicyTarget.EACH_ONCE, message = "each target, or section of one, may be there once")
        @Description(
                "Whose bodies: Gateways, listeners of them, routes, or rules of them. Each setting counts as the policy with the narrowest target that has it says, and of several for the same target the oldest.")
        List<TrafficTargetReference> targetRefs,

        @Description("How answers are compressed; without it they pass as they are.") @Nullable
        Compression compression,

        @Minimum(0)
        @Maximum(1_099_511_627_776L)
        @Description("Bytes that the body of a request may have; longer ones are answered with 413. Without it, any.")
        @Nullable
        Long maxRequestBytes) {

    /** How answers are compressed. */
    @Description(
            "How answers are compressed that an endpoint sends as they are, for clients that accept it (Accept-Encoding).")
    public record Compression(
            @ListType("set")
            @Length(min = 1, max = 2)
            @Default("[\"Zstd\", \"Gzip\"]")
            @Description("Gzip and Zstd; of those that a client likes equally the first counts.")
            List<@Pattern("^(Gzip|Zstd)$") String> algorithms,

            @ListType("set")
            @Length(min = 1, max = 64)
            @Default(
                    "[\"text/*\", \"*+json\", \"*+xml\", \"application/json\", \"application/javascript\", \"application/xml\", \"application/wasm\", \"application/x-ndjson\"]")
            @Description("Media types in lower case: type/subtype, type/* or *+suffix.")
            List<
                            @Length(min = 3, max = 128)
                            @Pattern("^([a-z0-9!#$&^_.+-]+/([a-z0-9!#$&^_.+-]+|\\*)|\\*\\+[a-z0-9.-]+)$") String>
                    contentTypes,

            @Minimum(0)
            @Maximum(1_048_576)
            @Default("1024")
            @Description("Bodies that are known to be shorter pass as they are.")
            int minBytes) {}
}
