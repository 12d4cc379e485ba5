package dev.coppice.cli;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/** Looks, while a backup arrives, whether it ends with the SHA-256 of what comes before. Used by one thread. */
final class BackupChecksum {
    private static final int CHECKSUM_BYTES = 32;

    private final MessageDigest digest;
    private final byte[] end = new byte[CHECKSUM_BYTES];
    private final long length;
    private long seen;

    BackupChecksum(long length) {
        this.length = length;
        try {
            this.digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this JDK lacks SHA-256", e);
        }
    }

    void update(byte[] bytes, int count) {
        int digested = (int) Math.clamp(length - CHECKSUM_BYTES - seen, 0, count);
        digest.update(bytes, 0, digested);
        for (int i = digested; i < count; i++) {
            long at = seen + i - (length - CHECKSUM_BYTES);
            if (at < CHECKSUM_BYTES) {
                end[(int) at] = bytes[i];
            }
        }
        seen += count;
    }

    boolean holds() {
        return seen == length && length > CHECKSUM_BYTES && Arrays.equals(end, digest.digest());
    }
}
