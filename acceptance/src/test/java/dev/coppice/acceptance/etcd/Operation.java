package dev.coppice.acceptance.etcd;

import com.google.protobuf.Message;
import io.grpc.StatusRuntimeException;

/**
 * One thing to do on both servers.
 *
 * @param text how it is shown in a report
 * @param settles whether watches have to be quiet before and after it: how far they are must not depend on timing
 * @param call does it; gives a message or a text
 */
record Operation(String text, boolean settles, Call call) {

    /** What it does on one of them. */
    @FunctionalInterface
    interface Call {
        Object on(Side side);
    }

    /**
     * How it ended.
     *
     * @param plain comparable
     * @param message what was answered, if it was a message
     */
    record Outcome(
            String plain, @org.jspecify.annotations.Nullable Message message) {}

    static Operation of(String text, Call call) {
        return new Operation(text, false, call);
    }

    static Operation settled(String text, Call call) {
        return new Operation(text, true, call);
    }

    Outcome on(Side side) {
        try {
            Object answer = call.on(side);
            return answer instanceof Message message
                    ? new Outcome(Plain.of(message, side), message)
                    : new Outcome(String.valueOf(answer), null);
        } catch (StatusRuntimeException e) {
            return new Outcome(Plain.of(e, side), null);
        }
    }
}
