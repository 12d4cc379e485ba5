package dev.coppice.serving;

import java.io.IOException;

/** The client closed its connection, reset its stream, or stopped reading; nobody waits for the answer any more. */
public final class ClientGoneException extends IOException {
    public ClientGoneException(String message) {
        super(message);
    }
}
