package dev.coppice.control.keys;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Handler;
import java.io.IOException;

/**
 * Shows and exchanges keys. {@code GET /coppice/keys}: how they are. {@code POST /coppice/keys/encryption/rotate} and {@code POST
 * /coppice/keys/signing/rotate[?endOldTokens=true]}: begin to use a new one. Safe for use by many threads.
 */
public final class KeysHandler implements Handler {
    /** Where it is served. */
    public static final String PATH = "/coppice/keys";

    private final EncryptionKeys encryption;
    private final SigningKeys signing;

    public KeysHandler(EncryptionKeys encryption, SigningKeys signing) {
        this.encryption = encryption;
        this.signing = signing;
    }

    @Override
    public void handle(Exchange exchange) throws IOException {
        String wanted = exchange.method() + " " + exchange.path();
        ObjectNode answer = Json.object();
        switch (wanted) {
            case "GET " + PATH -> {
                answer.set("encryption", encryption.status());
                answer.set("signing", signing.status());
            }
            case "POST " + PATH + "/encryption/rotate" -> answer.set("encryption", encryption.rotate());
            case "POST " + PATH + "/signing/rotate" ->
                answer.set(
                        "signing",
                        signing.rotate(exchange.query("endOldTokens").orElse("").equals("true")));
            default ->
                throw Statuses.of(
                        404,
                        "NotFound",
                        wanted + ": expected GET " + PATH + ", or POST " + PATH
                                + "/encryption/rotate or /signing/rotate");
        }
        exchange.status(200).send("application/json", Json.text(answer));
    }
}
