package dev.coppice.gateway.authentication;

import dev.coppice.gateway.config.SecurityConfig.Source;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A way to find out who sends a request. Safe for use by many threads. */
public sealed interface AuthenticationMethod permits KeyMethod, PasswordMethod, SessionMethod, TokenMethod {

    /**
     * Looks at a request. Never blocks.
     *
     * @param done told once: before this returns, or later, by any thread
     */
    void authenticate(CredentialRequest request, Consumer<Outcome> done);

    /**
     * What asks a client for a credential (RFC 9110, 11.6.1).
     *
     * @param problem of the credential that it sent; null when it sent none
     */
    String challenge(String realm, @Nullable String problem);

    /** Where requests have the credential. */
    List<Source> sources();

    /** Whether backends see the credential. */
    boolean forwards();

    /** The headers, in lower case, in which backends are told something: clients must not set them. */
    List<String> owned();

    /** Where somebody who may is sent in order to get a credential; null when the request's sender cannot be sent there. */
    default Outcome.@Nullable Replied login(CredentialRequest request) {
        return null;
    }

    /** The paths, if any, whose requests are for the method itself: their queries are not logged. */
    default List<String> ownPaths() {
        return List.of();
    }
}
