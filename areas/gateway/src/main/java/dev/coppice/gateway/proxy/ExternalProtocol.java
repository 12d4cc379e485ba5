package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.Outcome;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import org.jspecify.annotations.Nullable;

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

    /**
     * What an answer means whose end never comes, or cannot be taken: whoever is refused stays so.
     *
     * @param beginning of its body
     * @return null when it refuses nothing, as far as it came
     */
    Outcome.@Nullable Answered refusal(HttpResponse head, byte[] beginning);

    /** As which status of HTTP an answer counts for the service's endpoint. */
    int status(HttpResponse head, HttpHeaders trailers);
}
