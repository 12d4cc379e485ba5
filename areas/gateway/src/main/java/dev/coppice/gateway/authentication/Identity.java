package dev.coppice.gateway.authentication;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who sends a request. Immutable.
 *
 * @param method how that was found out: such as {@code APIKey}, {@code Basic}, {@code JWT} or {@code OIDC}; empty for nobody
 * @param name of the method in its policy
 * @param subject a client's id, a user's name, or what a token says in {@code sub}
 * @param claims what a token says, or the service that was asked as Envoy does, an object not to be changed; empty for other methods
 */
public record Identity(String method, String name, String subject, JsonNode claims) {

    /** Of whom nothing is known. */
    public static final Identity NOBODY = new Identity("", "", "");

    /**
     * A claim as a text, those of a list joined by commas; null when there is none that could be written so.
     *
     * @param name one that has dots in it may be a claim's, or else leads into objects
     */
    public @Nullable String claim(String name) {
        JsonNode at = claims.get(name);
        if (at == null) {
            at = claims;
            for (String each : name.split("\\.", -1)) {
                at = at.path(each);
            }
        }
        if (at.isArray()) {
            List<String> all = new ArrayList<>();
            at.forEach(each -> {
                if (each.isValueNode()) {
                    all.add(each.asText());
                }
            });
            return String.join(",", all);
        }
        return at.isValueNode() && !at.isNull() ? at.asText() : null;
    }

    /** Without claims. */
    public Identity(String method, String name, String subject) {
        this(method, name, subject, JsonNodeFactory.instance.objectNode());
    }
}
