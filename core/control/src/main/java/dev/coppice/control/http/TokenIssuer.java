package dev.coppice.control.http;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.serving.Exchange;
import java.io.IOException;
import java.util.List;
import java.util.function.Supplier;

/**
 * What others need to verify service account tokens: OpenID Connect's discovery and the keys. Safe for use by many threads.
 *
 * @param issuer as tokens name it
 * @param keySet a JSON Web Key Set
 */
public record TokenIssuer(String issuer, Supplier<ObjectNode> keySet) {
    void configuration(Exchange exchange) throws IOException {
        ObjectNode told = Json.object().put("issuer", issuer);
        told.put(
                "jwks_uri",
                (exchange.secure() ? "https" : "http") + "://"
                        + exchange.header("Host").orElse("localhost") + "/openid/v1/jwks");
        told.set("response_types_supported", Json.array(List.of("id_token")));
        told.set("subject_types_supported", Json.array(List.of("public")));
        told.set("id_token_signing_alg_values_supported", Json.array(List.of("ES256")));
        exchange.status(200).send("application/json", Json.text(told));
    }

    void keys(Exchange exchange) throws IOException {
        exchange.status(200).send("application/jwk-set+json", Json.text(keySet.get()));
    }
}
