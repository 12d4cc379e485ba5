package dev.coppice.cli;

import dev.coppice.kernel.Timers;
import dev.coppice.schema.GoDuration;
import dev.coppice.store.coordination.Patience;
import dev.coppice.store.coordination.SessionOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How long to wait, and how what is held is held. */
final class HoldOptions {
    @Option(
            names = "--ttl",
            paramLabel = "TIME",
            description = "How long it stays held when this program is not heard of (default: ${DEFAULT-VALUE}).")
    private String ttl = "10s";

    @Option(
            names = "--grace",
            paramLabel = "TIME",
            description =
                    "How long the command may take to end on TERM before it gets KILL (default: ${DEFAULT-VALUE}).")
    private String grace = "3s";

    @Option(names = "--try", description = "Do not wait: exit with 75 when it is not free.")
    private boolean once;

    @Option(names = "--timeout", paramLabel = "TIME", description = "Wait so long at most, then exit with 75.")
    private @Nullable String timeout;

    /** The options, read. */
    record Chosen(Duration ttl, Duration grace, @Nullable Duration atMost) {
        SessionOptions session(@Nullable String owner) {
            return SessionOptions.DEFAULT.withTtl(ttl).withOwner(owner);
        }

        Patience patience(Timers timers) {
            return atMost == null ? new Patience() : Patience.of(timers, atMost);
        }
    }

    /** Reads them; all that is wrong is told together. */
    Chosen read() {
        List<String> errors = new ArrayList<>();
        Duration live = duration("--ttl", ttl, errors);
        Duration stop = duration("--grace", grace, errors);
        Duration wait = timeout == null ? null : duration("--timeout", timeout, errors);
        if (live.compareTo(Duration.ofSeconds(2)) < 0
                || live.compareTo(Duration.ofDays(1)) > 0
                || live.getNano() != 0) {
            errors.add("--ttl " + ttl + ": expected whole seconds, from 2s to 24h");
        }
        if (once && timeout != null) {
            errors.add("--try and --timeout: give one of them");
        }
        if (!errors.isEmpty()) {
            throw new IllegalArgumentException(String.join("\n         ", errors));
        }
        return new Chosen(live, stop, once ? Duration.ZERO : wait);
    }

    /** As 10s or 5m, or a number of seconds. */
    private static Duration duration(String option, String text, List<String> errors) {
        Duration read = text.matches("[0-9]{1,9}") ? Duration.ofSeconds(Long.parseLong(text)) : GoDuration.parse(text);
        if (read == null || read.isNegative()) {
            errors.add(option + " " + text + ": expected a time such as 10s or 5m");
            return Duration.ofSeconds(10);
        }
        return read;
    }
}
