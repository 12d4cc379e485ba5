package dev.coppice.console;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.serving.Identity;
import java.util.Map;

/** Answers questions about the past as the API group {@code history.coppice.dev} does, for a user. Throws ApiException. */
@FunctionalInterface
public interface ChangeSource {

    /**
     * Asks.
     *
     * @param what {@code changes} or {@code causes}
     */
    JsonNode ask(Identity identity, String what, Map<String, String> query);
}
