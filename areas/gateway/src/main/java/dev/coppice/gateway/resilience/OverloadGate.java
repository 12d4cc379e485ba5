package dev.coppice.gateway.resilience;

/**
 * Lets fewer requests in while something is under pressure, such as an event loop that does not keep up. From {@code enter} on, measured
 * several times in a row, the share that gets in is halved with each further measurement, down to a twentieth; from {@code leave} down it grows by a
 * twentieth of everything; between both it stays. Measured by one thread at a time, and asked by many.
 *
 * <p>Source: the overload manager of Envoy, and additive increase, multiplicative decrease (Chiu and Jain, 1989).
 */
public final class OverloadGate {
    /** So many measurements in a row have to say the same before anything is shed: one late tick is no overload. */
    static final int PATIENCE = 3;

    private static final int STEP = Share.ALL / 20;

    private final double enter;
    private final double leave;
    private final Share picked = new Share();
    private int high;
    private volatile int share = Share.ALL;

    /**
     * Lets everything in.
     *
     * @param enter the pressure from which on fewer get in
     * @param leave less than {@code enter}
     */
    public OverloadGate(double enter, double leave) {
        if (!(leave < enter)) {
            throw new IllegalArgumentException("leave: " + leave + "; expected less than enter, which is " + enter);
        }
        this.enter = enter;
        this.leave = leave;
    }

    /** Takes a measurement; they should come at an even rate. */
    public void measured(double pressure) {
        if (pressure >= enter) {
            high = Math.min(PATIENCE, high + 1);
            if (high == PATIENCE) {
                share = Math.max(STEP, share / 2);
            }
        } else {
            high = 0;
            if (pressure <= leave && share < Share.ALL) {
                share = Math.min(Share.ALL, share + STEP);
            }
        }
    }

    /** Whether a request gets in. */
    public boolean admits() {
        int now = share;
        return now == Share.ALL || picked.next(now);
    }

    /** The share of requests that does not get in, 0 to 1. */
    public double shed() {
        return 1 - (double) share / Share.ALL;
    }
}
