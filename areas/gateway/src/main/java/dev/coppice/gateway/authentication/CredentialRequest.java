package dev.coppice.gateway.authentication;

import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What methods may look at of a request, on the thread that calls them and before they return. */
public interface CredentialRequest {
    String method();

    /** The host as the client names it, with a port that is not the usual one; in lower case. */
    String host();

    /** In its normal form. */
    String path();

    /** With its question mark; empty when there is none. */
    String query();

    /** The values of all field lines of this name. */
    List<String> headers(String name);

    /** The values of all cookies of this name. */
    List<String> cookies(String name);

    /** The values of all query parameters of this name, unescaped. */
    List<String> parameters(String name);

    /**
     * Awaits the body.
     *
     * @param most bytes
     * @param then told, now or later, on the request's thread; null: it is longer
     */
    void body(int most, Consumer<byte @Nullable []> then);
}
