package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.Outcome;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;

/** How another service is asked about a request, and what its answer means. Immutable. */
interface ExternalProtocol {
    /**
     * What is asked.
     *
     * @param body as it is sent; empty for none
     */
    record Question(HttpRequest head, byte[] body) {}

    /**
     * Asks about a request.
     *
     * @param seen what the service is to see of its body; empty for nothing
     * @param partial whether there is more of it
     */
    Question question(RequestCredentials request, byte[] seen, boolean partial);

    /** What an answer means that came whole. */
    Outcome outcome(RequestCredentials request, HttpResponse head, byte[] body, HttpHeaders trailers);

    /** As which status of HTTP an answer counts for the service's endpoint. */
    int status(HttpResponse head, HttpHeaders trailers);
}
