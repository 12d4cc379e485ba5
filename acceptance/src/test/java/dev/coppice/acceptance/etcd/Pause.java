package dev.coppice.acceptance.etcd;

import java.util.concurrent.TimeUnit;

/** A bounded wait between two looks at what another process tells by itself. */
final class Pause {
    private Pause() {}

    static void shortly() {
        try {
            TimeUnit.MILLISECONDS.sleep(2);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
