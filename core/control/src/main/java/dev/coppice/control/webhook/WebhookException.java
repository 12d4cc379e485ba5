package dev.coppice.control.webhook;

/** A webhook that could not be asked, or did not answer as it should; the message is for the user. */
public final class WebhookException extends Exception {
    private static final long serialVersionUID = 1L;

    public WebhookException(String message) {
        super(message);
    }

    public WebhookException(String message, Throwable cause) {
        super(message, cause);
    }
}
