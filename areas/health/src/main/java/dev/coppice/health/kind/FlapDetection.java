package dev.coppice.health.kind;

import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** When a check counts as flapping. */
@Description(
        "When a check counts as flapping. A flapping check is one open problem, not many: it is told once, and resolved when the"
                + " check stays up.")
public record FlapDetection(
        @Default("true") @Description("Whether flapping is detected.") @Nullable
        Boolean enabled,

        @Default("6")
        @Minimum(2)
        @Maximum(100)
        @Description("So many changes between up and down within the window start flapping; half as many end it.")
        @Nullable
        Integer changes,

        @Default("\"15m\"") @Description("The window in which changes are counted.") @Nullable
        Duration window) {}
