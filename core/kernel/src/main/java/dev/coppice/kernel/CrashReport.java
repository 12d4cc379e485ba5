package dev.coppice.kernel;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** One crash of a child: when, which, why. */
public record CrashReport(Instant at, String path, ExitReason reason) {

    /** The reason in words for people. */
    public String words() {
        return switch (reason) {
            case ExitReason.Normal _ -> "ended";
            case ExitReason.Shutdown _ -> "stopped by its supervisor";
            case ExitReason.Killed _ -> "killed";
            case ExitReason.NoProcess _ -> "was not running";
            case ExitReason.NoConnection _ -> "was on a node that cannot be reached";
            case ExitReason.Crash crash -> crash.cause().toString();
        };
    }

    /** The stack of what was thrown, causes included; empty when nothing was. At most {@code maxLines} lines. */
    public List<String> stack(int maxLines) {
        List<String> lines = new ArrayList<>();
        Throwable at = reason instanceof ExitReason.Crash crash ? crash.cause() : null;
        int depth = 0;
        while (at != null && lines.size() < maxLines && depth++ < 10) {
            if (depth > 1) {
                lines.add("Caused by: " + at);
            }
            for (StackTraceElement element : at.getStackTrace()) {
                if (lines.size() == maxLines) {
                    break;
                }
                lines.add("at " + element);
            }
            at = at.getCause();
        }
        return lines;
    }
}
