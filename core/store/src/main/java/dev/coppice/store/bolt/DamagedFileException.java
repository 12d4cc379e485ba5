package dev.coppice.store.bolt;

import java.io.IOException;

/** A file that is not what it claims to be: cut off, changed, or something else altogether. Its message is for users. */
public final class DamagedFileException extends IOException {
    public DamagedFileException(String message) {
        super(message);
    }
}
