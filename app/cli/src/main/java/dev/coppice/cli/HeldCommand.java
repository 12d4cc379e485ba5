package dev.coppice.cli;

import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.ShutdownHook;
import dev.coppice.kernel.StartException;
import dev.coppice.store.StoreException;
import dev.coppice.store.coordination.Grant;
import dev.coppice.store.coordination.Patience;
import dev.coppice.store.coordination.Session;
import dev.coppice.store.coordination.SessionExpiredException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Runs a command while something is held. When it is lost, or could be before the command would have ended, the command and
 * all that it started get TERM, and KILL after a grace time; so it is over when the store lets the next one in. The same when
 * this program is stopped. When this program is killed, Linux kills the command (setpriv's --pdeathsig), where that is
 * installed.
 */
final class HeldCommand {
    /** What was asked for was not free in time (EX_TEMPFAIL). */
    static final int NOT_OBTAINED = 75;

    /** It was lost while the command ran (EX_PROTOCOL). */
    static final int LOST = 76;

    private static final int NOT_FOUND = 127;
    private static final Duration ANNOUNCE_AFTER = Duration.ofSeconds(1);
    private static final Duration CHECK = Duration.ofSeconds(1);

    private final Kernel kernel;
    private final String what;
    private final HoldOptions.Chosen chosen;
    private final CompletableFuture<String> stop = new CompletableFuture<>();
    private final CountDownLatch done = new CountDownLatch(1);
    private volatile int status;
    private volatile boolean signalled;

    /** @param what is held, for messages: {@code the lock "jobs"} */
    HeldCommand(Kernel kernel, String what, HoldOptions.Chosen chosen) {
        this.kernel = kernel;
        this.what = what;
        this.chosen = chosen;
    }

    /** Waits for it. */
    interface Acquire {
        Optional<Grant> with(Patience patience) throws InterruptedException;
    }

    /**
     * Acquires, runs, gives back.
     *
     * @param command empty: holds until this program is stopped
     * @param prefix of the environment variables that tell the command of it
     */
    int run(Session session, Acquire acquire, List<String> command, String prefix)
            throws InterruptedException, IOException {
        Patience patience = chosen.patience(kernel.timers());
        ShutdownHook.install("coppice-held", () -> {
            signalled = true;
            patience.end();
            stop.complete("this program was stopped");
            try {
                done.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            Runtime.getRuntime().halt(status);
        });
        try {
            var announcement =
                    kernel.timers().schedule(ANNOUNCE_AFTER, () -> System.err.println("coppice: waiting for " + what));
            Optional<Grant> grant = acquire.with(patience);
            boolean _ = announcement.cancel();
            status = grant.isPresent() ? hold(session, grant.get(), command, prefix) : refused();
        } catch (SessionExpiredException e) {
            System.err.println("coppice: " + what + ": the wait was ended: " + e.getMessage());
            status = LOST;
        } finally {
            try {
                session.close();
            } finally {
                done.countDown();
            }
        }
        return status;
    }

    private int refused() {
        if (signalled) {
            return 130;
        }
        System.err.println("coppice: " + what + " is not free"
                + (chosen.atMost() == null || chosen.atMost().isZero()
                        ? ""
                        : " after " + chosen.atMost().toSeconds() + " s"));
        return NOT_OBTAINED;
    }

    private int hold(Session session, Grant grant, List<String> command, String prefix)
            throws InterruptedException, IOException {
        grant.lost().thenAccept(reason -> stop.complete("it was lost: " + reason));
        session.lost().thenAccept(reason -> stop.complete("it was lost: " + reason));
        if (command.isEmpty()) {
            System.out.println(grant.key().toStringUtf8());
            System.out.println(grant.token());
            System.out.flush();
            String reason = stop.join();
            return signalled ? 0 : lost(reason);
        }
        Process process;
        try {
            ProcessBuilder builder = new ProcessBuilder(wrapped(command)).inheritIO();
            builder.environment().putAll(environment(session, grant, prefix));
            process = builder.start();
        } catch (IOException e) {
            System.err.println("coppice: " + command.getFirst() + " cannot be run: " + e.getMessage());
            return NOT_FOUND;
        }
        try {
            var _ = kernel.root()
                    .start(ChildSpec.task("guard", () -> guard(session, process))
                            .withRestart(ChildSpec.Restart.TRANSIENT));
        } catch (StartException e) {
            end(process);
            throw new IOException("the guard of the command did not start: " + e.getMessage(), e);
        }
        int ended = process.waitFor();
        String reason = stop.getNow("");
        boolean lost = !reason.isEmpty() && !signalled;
        return lost ? lost(reason) : ended;
    }

    private int lost(String reason) {
        System.err.println("coppice: " + what + ": " + reason);
        return LOST;
    }

    private static Map<String, String> environment(Session session, Grant grant, String prefix) {
        String key = grant.key().toStringUtf8();
        String token = Long.toString(grant.token());
        return Map.of(
                prefix + "_NAME",
                grant.name(),
                prefix + "_KEY",
                key,
                prefix + "_TOKEN",
                token,
                prefix + "_LEASE",
                Long.toHexString(session.lease()),
                // As etcdctl lock tells its command.
                "ETCD_LOCK_KEY",
                key,
                "ETCD_LOCK_REV",
                token);
    }

    /** The command dies with this program, where Linux can be told so. */
    private static List<String> wrapped(List<String> command) {
        String path = System.getenv("PATH");
        boolean linux = System.getProperty("os.name", "").equals("Linux");
        Optional<Path> setpriv = Stream.of((path == null ? "" : path).split(":"))
                .map(folder -> Path.of(folder, "setpriv"))
                .filter(Files::isExecutable)
                .findFirst();
        if (!linux || setpriv.isEmpty()) {
            return command;
        }
        List<String> wrapped = new ArrayList<>(List.of(setpriv.get().toString(), "--pdeathsig", "KILL", "--"));
        wrapped.addAll(command);
        return wrapped;
    }

    /** Ends the command when what it runs under is lost, or soon will be if the store does not answer again. */
    private void guard(Session session, Process process) throws InterruptedException {
        // A renewal that is late by a third of the TTL is not yet a reason.
        Duration most = chosen.ttl().dividedBy(3);
        Duration margin = chosen.grace().compareTo(most) < 0 ? chosen.grace() : most;
        while (process.isAlive() && !stop.isDone()) {
            Duration left = session.remaining().minus(margin);
            if (!left.isPositive()) {
                stop.complete("the store does not answer, and what is held could be lost within "
                        + Math.max(0, session.remaining().toMillis()) + " ms");
            }
            await(left.compareTo(CHECK) < 0 ? left : CHECK);
        }
        if (process.isAlive()) {
            end(process);
        }
    }

    private void await(Duration atMost) throws InterruptedException {
        try {
            var _ = stop.get(Math.max(1, atMost.toMillis()), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            // Looks again.
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    /** TERM to the command and all that it started, KILL to those of them that are there after the grace time. */
    private void end(Process process) throws InterruptedException {
        List<ProcessHandle> all = tree(process);
        all.forEach(ProcessHandle::destroy);
        long start = kernel.clock().nanoTime();
        for (ProcessHandle each : all) {
            awaitEnd(each, chosen.grace().minusNanos(kernel.clock().nanoTime() - start));
        }
        all.addAll(tree(process));
        all.stream().filter(ProcessHandle::isAlive).forEach(ProcessHandle::destroyForcibly);
    }

    private static List<ProcessHandle> tree(Process process) {
        List<ProcessHandle> all = new ArrayList<>();
        all.add(process.toHandle());
        process.descendants().forEach(all::add);
        return all;
    }

    private static void awaitEnd(ProcessHandle handle, Duration atMost) throws InterruptedException {
        try {
            if (atMost.isPositive()) {
                @Nullable Object _ = handle.onExit().get(atMost.toMillis(), TimeUnit.MILLISECONDS);
            }
        } catch (TimeoutException e) {
            // It gets KILL.
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The message for a store that cannot be used. */
    static IOException unreachable(String where, StoreException e) {
        return new IOException(
                "the store at " + where + ": " + e.getMessage()
                        + ": is the node running, and are --data, --endpoints and the certificates right?",
                e);
    }
}
