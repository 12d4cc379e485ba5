package dev.coppice.probe;

import dev.coppice.probe.ProbeResult.Outcome;
import dev.coppice.probe.ProberOptions.SandboxOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Confines a command by bubblewrap: its own process, network, IPC and host name spaces; the file system read-only, with
 * home, run, temporary and data folders empty; an unprivileged user without capabilities; limits on memory, processes, CPU
 * time, open files and file size. There is no way around it: without bubblewrap there is no command. Safe for many threads.
 */
final class Sandbox {
    private static final List<String> HIDDEN = List.of(
            "/root", "/home", "/run", "/var/tmp", "/var/run", "/var/lib", "/var/log", "/mnt", "/media", "/srv", "/sys");

    private final SandboxOptions options;
    private final BlockingQueue<Integer> slots;

    Sandbox(SandboxOptions options, int concurrency) {
        this.options = options;
        this.slots = new LinkedBlockingQueue<>();
        for (int i = 0; i < concurrency; i++) {
            slots.add(i);
        }
    }

    /** A place among the commands that run at once, which also says as which user; waits as long as the attempt may. */
    int acquire(Attempt attempt) throws ProbeFailure, InterruptedException {
        var slot = slots.poll(attempt.remaining().toNanos(), TimeUnit.NANOSECONDS);
        if (slot == null) {
            throw new ProbeFailure(Outcome.OVERLOADED, "too many commands at once: no place became free");
        }
        return slot;
    }

    void release(int slot) {
        slots.add(slot);
    }

    SandboxOptions options() {
        return options;
    }

    /** The whole command line for a command. */
    List<String> line(ProbeSpec.Command spec, int slot, Duration limit) throws ProbeFailure {
        var line = new ArrayList<String>();
        if (spec.hostAccess()) {
            line.addAll(timeout(limit));
            line.addAll(spec.command());
            return line;
        }
        var bubblewrap = require(options.bubblewrap(), "bubblewrap");
        line.addAll(timeout(limit));
        line.add(bubblewrap);
        boolean root = isRoot();
        line.addAll(List.of("--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try"));
        if (!root) {
            line.add("--unshare-user");
        }
        if (!spec.network()) {
            line.add("--unshare-net");
        }
        line.addAll(List.of("--die-with-parent", "--new-session", "--hostname", "sandbox", "--ro-bind", "/", "/"));
        line.addAll(List.of("--proc", "/proc", "--dev", "/dev"));
        for (var folder : HIDDEN) {
            hide(folder, line);
        }
        options.hidden().forEach(folder -> hide(folder, line));
        line.addAll(List.of("--perms", "1777", "--size", Long.toString(options.temporaryBytes()), "--tmpfs", "/tmp"));
        line.addAll(List.of("--chdir", "/tmp", "--"));
        if (root) {
            line.addAll(dropped(options.firstUser() + slot));
        }
        line.add(require("prlimit", "util-linux"));
        line.addAll(limits(spec, limit));
        line.add("--");
        line.addAll(spec.command());
        return line;
    }

    /** Kills it even when this process is gone by then; also the parent whose death bubblewrap watches for. */
    private List<String> timeout(Duration limit) throws ProbeFailure {
        var grace = limit.plus(options.grace());
        return List.of(
                require("timeout", "coreutils"),
                "--signal=KILL",
                String.format(java.util.Locale.ROOT, "%.3f", grace.toMillis() / 1000.0));
    }

    private List<String> dropped(int user) throws ProbeFailure {
        return List.of(
                require("setpriv", "util-linux"),
                "--reuid=" + user,
                "--regid=" + user,
                "--clear-groups",
                "--no-new-privs",
                "--bounding-set=-all",
                "--inh-caps=-all",
                "--");
    }

    private static List<String> limits(ProbeSpec.Command spec, Duration limit) {
        return List.of(
                "--nproc=" + spec.processes(),
                "--as=" + spec.memoryBytes(),
                "--cpu=" + (limit.toSeconds() + 2),
                "--nofile=256",
                "--fsize=" + (64L << 20),
                "--core=0");
    }

    private static void hide(String folder, List<String> line) {
        if (Files.isDirectory(Path.of(folder)) && !Files.isSymbolicLink(Path.of(folder))) {
            line.addAll(List.of("--size", Long.toString(1 << 20), "--tmpfs", folder));
        }
    }

    private static boolean isRoot() {
        // The owner of this process' entry is its effective user; no other way shows it without native code.
        try {
            return Files.getAttribute(Path.of("/proc/self"), "unix:uid") instanceof Integer uid && uid == 0;
        } catch (java.io.IOException | UnsupportedOperationException e) {
            return false;
        }
    }

    private static String require(String program, String debianPackage) throws ProbeFailure {
        var found = find(program);
        if (found == null) {
            throw new ProbeFailure(
                    Outcome.UNSUPPORTED,
                    "commands run in a sandbox, which needs \"" + program + "\": install it (Debian: apt install "
                            + debianPackage + ")");
        }
        return found;
    }

    private static @Nullable String find(String program) {
        if (program.startsWith("/")) {
            return Files.isExecutable(Path.of(program)) ? program : null;
        }
        for (var folder : List.of("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")) {
            var path = Path.of(folder, program);
            if (Files.isExecutable(path)) {
                return path.toString();
            }
        }
        return null;
    }
}
