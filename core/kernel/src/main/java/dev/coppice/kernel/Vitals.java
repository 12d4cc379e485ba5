package dev.coppice.kernel;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * How one child is, at one moment.
 *
 * @param sort process, task, service, periodic or supervisor
 * @param restarts since it was first started
 * @param mailbox messages waiting
 * @param handled messages handled, or runs, since the last start
 * @param rate messages handled, or runs, per second over the {@code window}
 * @param busy time in handlers since the last start, waiting included
 * @param busyShare {@code busy} as a share, 0 to 1, of the time since the last start
 * @param recentShare the same over the {@code window}
 * @param cpuShare an estimate of the share of one processor over the {@code window}: {@code recentShare} without the part
 *     in which looks at its thread found it waiting
 * @param window the time that {@code rate} and the shares are means of; the time since the last start when nobody
 *     has looked before
 * @param memoryBytes an estimate of the memory that it alone holds
 * @param memoryCut whether the estimate was cut short by its bound, so that it is more
 * @param startedAt the last start
 * @param lastFailure the last crash in words
 * @param children of a supervisor
 */
public record Vitals(
        String name,
        String path,
        String sort,
        Supervisor.State state,
        long restarts,
        int mailbox,
        long handled,
        double rate,
        Duration busy,
        double busyShare,
        double recentShare,
        double cpuShare,
        Duration window,
        long memoryBytes,
        boolean memoryCut,
        Instant startedAt,
        Optional<String> lastFailure,
        int children) {}
