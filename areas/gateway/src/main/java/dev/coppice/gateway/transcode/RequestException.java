package dev.coppice.gateway.transcode;

/** A request cannot be made into a message; the sender is told why. */
public final class RequestException extends Exception {
    private static final long serialVersionUID = 1;
    private static final int MOST_CHARACTERS = 256;

    RequestException(String message) {
        super(cut(message), null, false, false);
    }

    /** What is wrong may quote what was sent. */
    private static String cut(String message) {
        if (message.length() <= MOST_CHARACTERS) {
            return message;
        }
        int end = MOST_CHARACTERS - 1;
        return message.substring(0, Character.isHighSurrogate(message.charAt(end - 1)) ? end - 1 : end) + "\u2026";
    }
}
