package dev.coppice.acceptance.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Reads manifests, with the GatewayClass and its controller in their places. Immutable. */
record Manifests(Path folder, String gatewayClass, String controller) {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

    /** @param file path below the folder */
    List<JsonNode> read(String file) throws IOException {
        String text = Files.readString(folder.resolve(file))
                .replace("{GATEWAY_CLASS_NAME}", gatewayClass)
                .replace("{GATEWAY_CONTROLLER_NAME}", controller);
        List<JsonNode> documents = new ArrayList<>();
        try (MappingIterator<JsonNode> values = YAML.readerFor(JsonNode.class).readValues(text)) {
            values.forEachRemaining(document -> {
                if (document.isObject()) {
                    documents.add(document);
                }
            });
        }
        return documents;
    }
}
