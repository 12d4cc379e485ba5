package dev.coppice.server;

import dev.coppice.serving.Exchange;
import dev.coppice.serving.Handler;
import dev.coppice.store.Snapshot;
import dev.coppice.store.Store;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/** Sends a backup of the whole store; who may is decided before it. Safe for use by many threads. */
public final class BackupHandler implements Handler {

    /** Where it is served. */
    public static final String PATH = "/coppice/backup";

    /** The header that says how long the file is, so that a receiver can show how far it is. */
    public static final String BYTES_HEADER = "Coppice-Backup-Bytes";

    private static final int BUFFER_BYTES = 64 << 10;

    private final Store store;

    BackupHandler(Store store) {
        this.store = store;
    }

    @Override
    public void handle(Exchange exchange) throws IOException {
        if (!exchange.method().equals("GET")) {
            exchange.status(405).setHeader("Allow", "GET").sendEmpty();
            return;
        }
        try (Snapshot snapshot = Snapshot.of(store)) {
            exchange.setHeader("Content-Type", "application/octet-stream")
                    .setHeader(BYTES_HEADER, Long.toString(snapshot.bytes()));
            try (OutputStream out = new BufferedOutputStream(exchange.stream(), BUFFER_BYTES)) {
                snapshot.write(out);
            }
        }
    }
}
