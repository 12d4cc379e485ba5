package dev.coppice.health.kind;

import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import org.jspecify.annotations.Nullable;

/** A header of an HTTP request. */
@Description("A header of an HTTP request.")
@Rule(value = "has(self.value) != has(self.secretRef)", message = "exactly one of value and secretRef must be given")
public record Header(
        @Required @Length(min = 1, max = 256) @Description("Name of the header, such as Accept.")
        String name,

        @Length(max = 8192) @Description("Its value.") @Nullable
        String value,

        @Description("Takes the value from a Secret.") @Nullable
        SecretKeyRef secretRef) {}
