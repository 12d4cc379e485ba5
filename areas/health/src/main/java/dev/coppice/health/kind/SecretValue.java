package dev.coppice.health.kind;

import dev.coppice.schema.Description;
import dev.coppice.schema.Rule;
import org.jspecify.annotations.Nullable;

/** A text given in place, or taken from a Secret; exactly one of the two. */
@Description("A text given in place, or taken from a Secret: exactly one of value and secretRef.")
@Rule(value = "has(self.value) != has(self.secretRef)", message = "exactly one of value and secretRef must be given")
public record SecretValue(
        @Description("The text itself. Do not put secrets here: whoever reads the resource reads them.") @Nullable
        String value,

        @Description("Takes the text from a Secret; it is read again whenever it is needed.") @Nullable
        SecretKeyRef secretRef) {}
