package dev.coppice.health.notify;

import dev.coppice.health.kind.NotificationPolicySpec.Receiver;

/** Carries notifications to a receiver: the seam to the network. Safe for use by many threads. */
@FunctionalInterface
public interface Channel {

    /** Delivers once; returns when the receiver accepted it. */
    void deliver(Notification notification, Receiver receiver) throws DeliveryException, InterruptedException;

    /** A delivery that failed; it is tried again. */
    final class DeliveryException extends Exception {
        private static final long serialVersionUID = 1;

        public DeliveryException(String message) {
            super(message);
        }

        public DeliveryException(String message, Throwable cause) {
            super(message, cause);
        }
    }
}
