package dev.coppice.control.audit;

import dev.coppice.kernel.Clock;
import dev.coppice.kernel.Kernel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Appends events to a file, one line of JSON each, in the order in which they were recorded, and rotates it: the file becomes
 * {@code NAME-TIME.EXT} when the next event would make it too large. What was handed to the operating system survives the end of
 * the process; it is not forced to disk. While the file cannot be written, events wait in the buffer. Runs in one thread.
 */
final class AuditFile {
    private static final Logger LOG = System.getLogger(AuditFile.class.getName());
    private static final int BATCH = 1_000;
    private static final Duration GATHER = Duration.ofMillis(5);
    private static final Duration PAUSE = Duration.ofSeconds(1);
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH-mm-ss.SSS").withZone(ZoneOffset.UTC);
    private static final String TIME_PATTERN = "\\d{4}-\\d\\d-\\d\\dT\\d\\d-\\d\\d-\\d\\d\\.\\d{3}";

    private final Kernel kernel;
    private final Limits limits;
    private final AuditBuffer buffer;
    private final AuditMetrics metrics;
    private final @Nullable Path path;
    private final OutputStream standardOutput;
    private @Nullable RandomAccessFile file;
    private long size;

    /**
     * When a file is rotated and which older ones stay.
     *
     * @param bytes the most in one file
     * @param backups how many older files are kept; 0 for all
     * @param days how long they are kept; 0 for ever
     */
    record Limits(long bytes, int backups, int days) {}

    /** @param path null for standard output, which is not rotated */
    AuditFile(
            Kernel kernel,
            @Nullable Path path,
            Limits limits,
            AuditBuffer buffer,
            AuditMetrics metrics,
            OutputStream standardOutput) {
        this.kernel = kernel;
        this.path = path;
        this.limits = limits;
        this.buffer = buffer;
        this.metrics = metrics;
        this.standardOutput = standardOutput;
    }

    /** Writes until it is interrupted, and then what is left. */
    void run() throws InterruptedException {
        try {
            while (true) {
                write(buffer.take(BATCH, GATHER));
            }
        } finally {
            // The interrupt ended the wait; the file may still be written.
            boolean _ = Thread.interrupted();
            flush();
            close();
        }
    }

    private void flush() {
        List<byte[]> left = buffer.rest(BATCH);
        while (!left.isEmpty()) {
            try {
                append(left);
            } catch (IOException e) {
                metrics.dropped(buffer.plugin(), "stopped", left.size());
                LOG.log(Level.ERROR, left.size() + " audit events are lost: " + path + ": " + e.getMessage());
            }
            left = buffer.rest(BATCH);
        }
    }

    private void write(List<byte[]> batch) throws InterruptedException {
        boolean told = false;
        while (true) {
            try {
                append(batch);
                return;
            } catch (IOException e) {
                if (!told) {
                    told = true;
                    LOG.log(
                            Level.ERROR,
                            "--audit-log-path: cannot write " + path + ": " + e.getMessage()
                                    + "; events wait until it can be, and are dropped when there are too many");
                }
                close();
                try {
                    kernel.timers().sleep(PAUSE);
                } catch (InterruptedException stopped) {
                    metrics.dropped(buffer.plugin(), "stopped", batch.size());
                    throw stopped;
                }
            }
        }
    }

    /** Appends all of them or, when it fails, none: a line is never torn by a later one. */
    private void append(List<byte[]> batch) throws IOException {
        ByteArrayOutputStream lines = new ByteArrayOutputStream();
        for (byte[] event : batch) {
            if (path != null && opened() + lines.size() + event.length + 1 > limits.bytes && size + lines.size() > 0) {
                put(lines);
                rotate();
            }
            lines.write(event);
            lines.write('\n');
        }
        put(lines);
    }

    private void put(ByteArrayOutputStream lines) throws IOException {
        if (path == null) {
            synchronized (standardOutput) {
                lines.writeTo(standardOutput);
                standardOutput.flush();
            }
        } else if (lines.size() > 0) {
            long before = opened();
            RandomAccessFile to = file;
            try {
                if (to != null) {
                    to.write(lines.toByteArray());
                    size = before + lines.size();
                }
            } catch (IOException e) {
                if (to != null) {
                    to.setLength(before);
                }
                throw e;
            }
        }
        lines.reset();
    }

    /** Opens the file if it is not open; its size. */
    private long opened() throws IOException {
        if (file == null && path != null) {
            Path parent = path.toAbsolutePath().getParent();
            if (parent != null) {
                Files.createDirectories(
                        parent, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            }
            if (!Files.exists(path)) {
                Files.createFile(
                        path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            }
            RandomAccessFile to = new RandomAccessFile(path.toFile(), "rw");
            size = to.length();
            to.seek(size);
            file = to;
        }
        return size;
    }

    private void close() {
        RandomAccessFile open = file;
        file = null;
        if (open != null) {
            try {
                open.close();
            } catch (IOException e) {
                LOG.log(Level.WARNING, "the audit log " + path + " was not closed: " + e.getMessage());
            }
        }
    }

    // ---- rotating

    private void rotate() throws IOException {
        Path from = path;
        if (from == null) {
            return;
        }
        close();
        Instant time = kernel.clock().now();
        Path to = backup(from, time);
        while (Files.exists(to)) {
            time = time.plusMillis(1);
            to = backup(from, time);
        }
        Files.move(from, to);
        forget(from);
    }

    private static Path backup(Path path, Instant time) {
        return path.resolveSibling(stem(path) + "-" + TIME.format(time) + extension(path));
    }

    private static String extension(Path path) {
        String name = String.valueOf(path.getFileName());
        int dot = name.lastIndexOf('.');
        return dot < 0 ? "" : name.substring(dot);
    }

    private static String stem(Path path) {
        String name = String.valueOf(path.getFileName());
        return name.substring(0, name.length() - extension(path).length());
    }

    /** Deletes older files beyond the limits. */
    private void forget(Path of) {
        String prefix = stem(of) + "-";
        String suffix = extension(of);
        Path parent = of.toAbsolutePath().getParent();
        if (parent == null) {
            return;
        }
        String oldest = limits.days == 0 ? "" : TIME.format(now(kernel.clock()).minus(Duration.ofDays(limits.days)));
        try (Stream<Path> files = Files.list(parent)) {
            List<Path> newestFirst = files.filter(p -> isBackup(p, prefix, suffix))
                    .sorted(java.util.Comparator.comparing(String::valueOf).reversed())
                    .toList();
            for (int i = 0; i < newestFirst.size(); i++) {
                String time = String.valueOf(newestFirst.get(i).getFileName()).substring(prefix.length());
                if (limits.backups > 0 && i >= limits.backups || time.compareTo(oldest) < 0) {
                    Files.deleteIfExists(newestFirst.get(i));
                }
            }
        } catch (IOException e) {
            LOG.log(Level.WARNING, "older audit logs beside " + of + " cannot be removed: " + e.getMessage());
        }
    }

    private static Instant now(Clock clock) {
        return clock.now();
    }

    private static boolean isBackup(Path file, String prefix, String suffix) {
        String name = String.valueOf(file.getFileName());
        return name.length() > prefix.length() + suffix.length()
                && name.startsWith(prefix)
                && name.endsWith(suffix)
                && name.substring(prefix.length(), name.length() - suffix.length())
                        .matches(TIME_PATTERN);
    }
}
