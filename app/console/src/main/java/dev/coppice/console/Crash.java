package dev.coppice.console;

import dev.coppice.kernel.CrashReport;
import dev.coppice.kernel.Kernel;
import java.time.temporal.ChronoUnit;
import java.util.List;

/** A crash as pages show it. */
record Crash(String at, String path, String href, String reason) {
    private static final int MAX_LENGTH = 400;

    static List<Crash> last(Kernel kernel, int count) {
        return kernel.crashes().reversed().stream().limit(count).map(Crash::of).toList();
    }

    private static Crash of(CrashReport report) {
        String reason = report.words();
        return new Crash(
                report.at().truncatedTo(ChronoUnit.MILLIS).toString(),
                report.path(),
                RuntimePage.href(report.path()),
                reason.length() > MAX_LENGTH ? reason.substring(0, MAX_LENGTH) + "…" : reason);
    }
}
