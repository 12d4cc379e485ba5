package dev.coppice.store.wal;

import java.io.IOException;

/** The log on disk is not what was written: entries that were synced are damaged or missing. */
public final class CorruptLogException extends IOException {

    private static final long serialVersionUID = 1;

    CorruptLogException(String message) {
        super(message + ". Entries that were acknowledged may be lost. Restore a backup, or in a cluster remove this"
                + " member and let it join again with an empty directory");
    }
}
