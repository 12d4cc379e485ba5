package dev.coppice.gateway.authentication;

import java.util.List;

/** What methods may look at of a request, on the thread that calls them and before they return. */
public interface CredentialRequest {
    /** The values of all field lines of this name. */
    List<String> headers(String name);

    /** The values of all cookies of this name. */
    List<String> cookies(String name);

    /** The values of all query parameters of this name, unescaped. */
    List<String> parameters(String name);
}
