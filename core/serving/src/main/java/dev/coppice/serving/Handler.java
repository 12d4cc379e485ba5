package dev.coppice.serving;

/** Answers requests. Runs on a virtual thread; may block; an exception becomes a 500 with a logged cause. */
@FunctionalInterface
public interface Handler {
    void handle(Exchange exchange) throws Exception;
}
