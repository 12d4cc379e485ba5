package dev.coppice.bench.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Counts the syncs of processes to disk, with strace(1): a store that acknowledges puts without one is no match. */
final class SyncCheck implements AutoCloseable {

    private final List<Process> tracers = new ArrayList<>();
    private final List<Path> traces = new ArrayList<>();

    private SyncCheck() {}

    /** Begins to count; null, and says so, where there is no strace or it may not look. */
    static @Nullable SyncCheck begin(Servers servers, Path folder) throws Exception {
        SyncCheck check = new SyncCheck();
        try {
            for (long pid : servers.pids()) {
                Path trace = folder.resolve("trace-" + pid);
                Path said = folder.resolve("strace-" + pid);
                check.traces.add(trace);
                check.tracers.add(new ProcessBuilder(
                                "strace",
                                "-f",
                                "-e",
                                "trace=fsync,fdatasync,sync_file_range",
                                "-o",
                                trace.toString(),
                                "-p",
                                Long.toString(pid))
                        .redirectErrorStream(true)
                        .redirectOutput(said.toFile())
                        .start());
                for (int i = 0; i < 200 && !Files.readString(said).contains("attached"); i++) {
                    if (check.tracers.getLast().waitFor(20, TimeUnit.MILLISECONDS)) {
                        System.err.println("syncs are not counted: " + Files.readString(said));
                        return null;
                    }
                }
            }
            return check;
        } catch (IOException e) {
            System.err.println("syncs are not counted, install strace: " + e.getMessage());
            return null;
        }
    }

    /** Ends, and gives how often each process synced. */
    List<Long> end() throws Exception {
        close();
        List<Long> counts = new ArrayList<>();
        for (Path trace : traces) {
            counts.add(Files.readString(trace, StandardCharsets.ISO_8859_1)
                    .lines()
                    .filter(line -> line.contains("sync(") && !line.contains("resumed"))
                    .count());
        }
        return counts;
    }

    @Override
    public void close() throws Exception {
        for (Process each : tracers) {
            each.destroy();
            each.waitFor();
        }
    }
}
