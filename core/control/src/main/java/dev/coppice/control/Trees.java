package dev.coppice.control;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;

/** Reads from JSON trees. */
final class Trees {
    private Trees() {}

    static Map<String, String> strings(JsonNode node) {
        Map<String, String> result = new LinkedHashMap<>();
        node.properties().forEach(e -> result.put(e.getKey(), e.getValue().asText()));
        return Map.copyOf(result);
    }

    /** The data of a Secret. */
    static Map<String, byte[]> decoded(JsonNode secret) {
        Map<String, byte[]> data = new LinkedHashMap<>();
        secret.path("data")
                .properties()
                .forEach(e -> data.put(
                        e.getKey(), Base64.getDecoder().decode(e.getValue().asText())));
        return Map.copyOf(data);
    }
}
