package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.Outcome;
import dev.coppice.gateway.config.SecurityConfig.Source;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A way to find out who sends a request, or whether it may go on. Safe for use by many threads. */
interface AccessMethod {

    /**
     * Looks at a request, on its event loop.
     *
     * @param done told once: before this returns, or later, by any thread
     */
    void ask(RequestCredentials request, Consumer<Outcome> done);

    /**
     * What asks a client for a credential (RFC 9110, 11.6.1); null: nothing that is known here.
     *
     * @param problem of the credential that it sent; null when it sent none
     */
    default @Nullable String challenge(String realm, @Nullable String problem) {
        return null;
    }

    /** Where requests have the credential. */
    default List<Source> sources() {
        return List.of();
    }

    /** Whether backends see the credential. */
    default boolean forwards() {
        return true;
    }

    /** Where somebody who may is sent in order to get a credential; null when the request's sender cannot be sent there. */
    default Outcome.@Nullable Replied login(RequestCredentials request) {
        return null;
    }

    /** The paths whose requests are for the method itself: their queries are not logged. */
    default List<String> ownPaths() {
        return List.of();
    }

    /** The headers, in lower case, in which backends are told something: clients must not set them. */
    List<String> owned();
}
