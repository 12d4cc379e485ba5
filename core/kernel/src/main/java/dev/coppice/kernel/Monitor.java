package dev.coppice.kernel;

/** A watch on a process. */
@FunctionalInterface
public interface Monitor {

    /** Ends it (OTP: demonitor with flush): no news is delivered after this, not even what waits as mail. */
    void cancel();
}
