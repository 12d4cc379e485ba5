package dev.coppice.console;

import dev.coppice.serving.Identity;
import dev.coppice.serving.RelayedRequest;

/** Makes requests to the resource API for a user, who needs the rights for them as anywhere else. */
@FunctionalInterface
public interface ApiRequests {

    /** Sends one, and waits for its answer. */
    RelayedRequest.Answer send(RelayedRequest request, Identity identity) throws Exception;
}
