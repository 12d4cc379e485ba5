package dev.coppice.health.kind;

import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.Required;

/** Points at one key of a Secret in the same namespace. */
@Description("Points at one key of a Secret in the same namespace.")
public record SecretKeyRef(
        @Required @Length(min = 1, max = 253) @Description("Name of the Secret.")
        String name,

        @Required @Length(min = 1, max = 253) @Description("Key in the Secret's data.")
        String key) {}
