package dev.coppice.cli;

import dev.coppice.store.StoreException;
import dev.coppice.store.coordination.DistributedLock;
import dev.coppice.store.coordination.Session;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code coppice lock}: runs a command while a lock is held. */
@Command(
        name = "lock",
        description = "Hold a lock while a command runs; without one, until it is stopped.",
        customSynopsis = "coppice lock [OPTIONS] NAME [-- COMMAND ARGUMENT...]",
        footer = {
            "",
            "The lock is the one that etcdctl lock NAME waits for. The command has COPPICE_LOCK_NAME, COPPICE_LOCK_KEY,",
            "COPPICE_LOCK_LEASE and COPPICE_LOCK_TOKEN in its environment: the token grows with every grant.",
            "",
            "Exit status: the command's; 75 when the lock was not free in time; 76 when it was lost while the command ran."
        })
final class LockCommand implements Callable<Integer> {
    @Mixin
    private final StoreAccess access = new StoreAccess();

    @Mixin
    private final HoldOptions holding = new HoldOptions();

    @Option(
            names = "--owner",
            paramLabel = "NAME",
            description =
                    "The activity this lock is a part of: deadlocks are found among the locks of all that name one"
                            + " owner. It must do one thing at a time.")
    private @Nullable String owner;

    @Option(names = "--shared", description = "Hold it together with others that say so: a read lock.")
    private boolean shared;

    @Option(names = "--exclusive", description = "Hold it alone against --shared ones: a write lock.")
    private boolean exclusive;

    @Option(names = "--permits", paramLabel = "N", description = "Hold it together with N - 1 others: a semaphore.")
    private @Nullable Integer permits;

    @Parameters(index = "0", paramLabel = "NAME", description = "The name of the lock.")
    private String name = "";

    @Parameters(index = "1..*", paramLabel = "COMMAND", description = "What to run.")
    private List<String> command = List.of();

    @Override
    public Integer call() throws Exception {
        HoldOptions.Chosen chosen = holding.read();
        if ((shared ? 1 : 0) + (exclusive ? 1 : 0) + (permits == null ? 0 : 1) > 1) {
            throw new IllegalArgumentException("--shared, --exclusive and --permits: give one of them");
        }
        try (StoreAccess.Open store = access.open()) {
            try {
                Session session = store.coordination().open(chosen.session(owner));
                return new HeldCommand(store.kernel(), "the lock \"" + name + "\"", chosen)
                        .run(session, patience -> lock(session).acquire(patience), command, "COPPICE_LOCK");
            } catch (StoreException e) {
                throw HeldCommand.unreachable(store.where(), e);
            }
        }
    }

    private DistributedLock lock(Session session) {
        if (permits != null) {
            return session.semaphore(name, permits);
        }
        if (shared) {
            return session.readWriteLock(name).read();
        }
        return exclusive ? session.readWriteLock(name).write() : session.lock(name);
    }
}
