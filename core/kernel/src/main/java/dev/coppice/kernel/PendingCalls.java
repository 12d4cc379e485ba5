package dev.coppice.kernel;

import org.jspecify.annotations.Nullable;

/**
 * The calls that wait for one process, so that its end fails them at once. Lists through the calls themselves, in stripes:
 * thousands of callers come and go at a time.
 */
final class PendingCalls {
    private static final int STRIPES = 8;

    /** The head of one list. */
    private static final class Stripe {
        private @Nullable PendingCall<?> first;
    }

    private volatile Stripe @Nullable [] stripes;

    private Stripe stripe(PendingCall<?> call) {
        Stripe[] made = stripes;
        if (made == null) {
            synchronized (this) {
                made = stripes;
                if (made == null) {
                    made = new Stripe[STRIPES];
                    for (int i = 0; i < STRIPES; i++) {
                        made[i] = new Stripe();
                    }
                    stripes = made;
                }
            }
        }
        return made[(int) call.callerId() & (STRIPES - 1)];
    }

    /** Whether somebody waits, as far as can be seen without a lock. */
    boolean any() {
        Stripe[] made = stripes;
        if (made != null) {
            for (Stripe stripe : made) {
                if (stripe.first != null) {
                    return true;
                }
            }
        }
        return false;
    }

    void add(PendingCall<?> call) {
        Stripe stripe = stripe(call);
        synchronized (stripe) {
            PendingCall<?> first = stripe.first;
            call.next = first;
            if (first != null) {
                first.previous = call;
            }
            stripe.first = call;
        }
    }

    void remove(PendingCall<?> call) {
        Stripe stripe = stripe(call);
        synchronized (stripe) {
            PendingCall<?> next = call.next;
            PendingCall<?> previous = call.previous;
            if (previous != null) {
                previous.next = next;
            } else if (stripe.first == call) {
                stripe.first = next;
            }
            if (next != null) {
                next.previous = previous;
            }
            call.next = null;
            call.previous = null;
        }
    }

    /** Fails all that wait now. */
    void fail(String message, @Nullable Throwable cause) {
        Stripe[] made = stripes;
        if (made == null) {
            return;
        }
        for (Stripe stripe : made) {
            synchronized (stripe) {
                for (PendingCall<?> call = stripe.first; call != null; call = call.next) {
                    call.fail(message, cause);
                }
            }
        }
    }
}
