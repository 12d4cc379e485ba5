package dev.coppice.gateway.authentication;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;

/**
 * Who sends a request. Immutable.
 *
 * @param method how that was found out: such as {@code APIKey}, {@code Basic}, {@code JWT} or {@code OIDC}; empty for nobody
 * @param name of the method in its policy
 * @param subject a client's id, a user's name, or what a token says in {@code sub}
 * @param claims what a token says, an object not to be changed; empty for other methods
 */
public record Identity(String method, String name, String subject, JsonNode claims) {

    /** Of whom nothing is known. */
    public static final Identity NOBODY = new Identity("", "", "");

    /** Without claims. */
    public Identity(String method, String name, String subject) {
        this(method, name, subject, JsonNodeFactory.instance.objectNode());
    }
}
