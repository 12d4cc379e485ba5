package dev.coppice.gateway.proxy;

import io.netty.handler.codec.http.HttpResponseStatus;

/** What reading a request's head came to. */
sealed interface RequestReading permits RequestTarget, RequestReading.Refusal {

    /**
     * It is not served, and its connection ends.
     *
     * @param reason in metrics
     * @param text for the client
     */
    record Refusal(HttpResponseStatus code, String reason, String text) implements RequestReading {}
}
