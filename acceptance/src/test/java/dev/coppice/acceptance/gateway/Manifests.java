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

    /** Addresses that Gateways can have here, and cannot: of this machine, and of nobody (RFC 5737). */
    private static final String USABLE = "127.77.0.1";

    private static final String UNUSABLE = "192.0.2.1";

    /** @param file path below the folder */
    List<JsonNode> read(String file) throws IOException {
        String text = Files.readString(folder.resolve(file))
                .replace("{GATEWAY_CLASS_NAME}", gatewayClass)
                .replace("{GATEWAY_CONTROLLER_NAME}", controller)
                .replace("PLACEHOLDER_USABLE_ADDRS", USABLE)
                .replace("PLACEHOLDER_UNUSABLE_ADDRS", UNUSABLE);
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
