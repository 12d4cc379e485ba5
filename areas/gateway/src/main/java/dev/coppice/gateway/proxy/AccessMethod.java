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
    @Nullable
    String challenge(String realm, @Nullable String problem);

    /** Where requests have the credential. */
    List<Source> sources();

    /** Whether backends see the credential. */
    boolean forwards();

    /** The headers, in lower case, in which backends are told something: clients must not set them. */
    List<String> owned();
}
