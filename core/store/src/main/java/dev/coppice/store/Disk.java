package dev.coppice.store;

import io.grpc.Status.Code;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The space left on the disk of a store. Writes are refused while less than a reserve is left, but deletes go on for some time, so that the log, which cannot
 * go on after a write that found no space, never meets a full disk by the store's own doing. Safe for use by many threads.
 */
final class Disk {

    /** Free bytes below which writes are refused. */
    static final long RESERVE_BYTES = 64L << 20;

    /** What deletes may use of the reserve: all but this part. The log and the state need space for them, too. */
    private static final long FREEING_PART = 4;

    private static final long CHECK_EVERY_BYTES = 4L << 20;

    private final Path directory;
    private final long reserveBytes;
    private final AtomicLong bytesSinceCheck = new AtomicLong();
    private volatile long freeBytes = Long.MAX_VALUE;

    Disk(Path directory, long reserveBytes) {
        this.directory = directory;
        this.reserveBytes = reserveBytes;
    }

    /** Looks how much is left now; says whether it is enough to write. A disk that cannot be looked at counts as full. */
    boolean check() {
        freeBytes = usableBytes(directory);
        return enough();
    }

    /** Not by Files.getFileStore: it looks for the mount point, which a process in a chroot cannot see. */
    private static long usableBytes(Path directory) {
        return directory.toFile().getUsableSpace();
    }

    /** Whether there was enough space when it was last looked at. */
    boolean enough() {
        return freeBytes >= reserveBytes;
    }

    long freeBytes() {
        return freeBytes;
    }

    /**
     * Refuses a write of some bytes while the disk is nearly full; looks again after every few MiB.
     *
     * @param frees whether it deletes something, and so ends the need: refused only below a quarter of the reserve
     */
    void admit(long bytes, boolean frees) {
        if (bytesSinceCheck.addAndGet(bytes) >= CHECK_EVERY_BYTES) {
            bytesSinceCheck.set(0);
            check();
        }
        if (freeBytes < (frees ? reserveBytes / FREEING_PART : reserveBytes)) {
            throw full();
        }
    }

    /** What a write is answered while the disk is full. */
    StoreException full() {
        return new StoreException(Code.RESOURCE_EXHAUSTED, "etcdserver: no space left: " + state());
    }

    /** What a write is answered that was on its way when the disk became full. */
    StoreException fullMeanwhile(StoreException cause) {
        return new StoreException(
                Code.UNAVAILABLE,
                "etcdserver: no space left, and it is not known whether this write is kept: " + state(),
                cause);
    }

    private String state() {
        return "the disk of " + directory + " has " + mebibytes(freeBytes) + " MiB left, and writes need "
                + mebibytes(reserveBytes) + "; free some space there (reads go on, and writes will by themselves)";
    }

    private static long mebibytes(long bytes) {
        return bytes >> 20;
    }
}
