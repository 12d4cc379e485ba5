package dev.coppice.gateway.balance;

/**
 * Whether an endpoint is well, by checks of which some have to say the same one after the other. Well to begin with, as whoever lists it
 * says so. Told by one thread at a time; read by many.
 */
public final class Health {
    private volatile boolean healthy = true;
    private int row;

    /** Whether it is well. */
    public boolean healthy() {
        return healthy;
    }

    /**
     * A check is over.
     *
     * @return whether it is well now and was not, or the other way round
     */
    public boolean checked(boolean success, int unhealthyThreshold, int healthyThreshold) {
        if (success == healthy) {
            row = 0;
            return false;
        }
        row++;
        if (row < (success ? healthyThreshold : unhealthyThreshold)) {
            return false;
        }
        row = 0;
        healthy = success;
        return true;
    }

    /** Nobody checks it any more. */
    public void forget() {
        row = 0;
        healthy = true;
    }
}
