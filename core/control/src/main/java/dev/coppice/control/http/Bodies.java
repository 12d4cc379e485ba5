package dev.coppice.control.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import dev.coppice.control.audit.AuditedExchange;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.serving.BodyTooLargeException;
import dev.coppice.serving.Exchange;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.yaml.snakeyaml.LoaderOptions;

/** Reads request bodies. */
final class Bodies {
    static final int MAX_BYTES = 3 * 1024 * 1024;

    /** Made when YAML is first seen. */
    private static final class Yaml {
        static final ObjectMapper MAPPER = mapper();

        private static ObjectMapper mapper() {
            LoaderOptions limits = new LoaderOptions();
            limits.setMaxAliasesForCollections(50);
            limits.setNestingDepthLimit(Json.MAX_DEPTH);
            limits.setCodePointLimit(MAX_BYTES);
            return new ObjectMapper(YAMLFactory.builder()
                    .loaderOptions(limits)
                    .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
                    .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
                    .build());
        }
    }

    private Bodies() {}

    static byte[] read(Exchange exchange) throws IOException {
        return read(exchange, MAX_BYTES);
    }

    /** The same with another limit. */
    static byte[] read(Exchange exchange, int maxBytes) throws IOException {
        try (InputStream in = exchange.body()) {
            byte[] body = in.readNBytes(maxBytes + 1);
            if (body.length > maxBytes) {
                // Reads the rest, up to the listener's limit, so that the client gets to see the answer.
                long unused = in.transferTo(java.io.OutputStream.nullOutputStream());
                throw tooLarge(maxBytes);
            }
            return body;
        } catch (BodyTooLargeException e) {
            throw tooLarge(maxBytes);
        }
    }

    private static dev.coppice.control.ApiException tooLarge(int maxBytes) {
        return Statuses.tooLarge("Request entity too large: limit is " + maxBytes);
    }

    /** The content type without its parameters, lower case. */
    static String type(Exchange exchange) {
        String header = exchange.header("Content-Type").orElse("");
        int semicolon = header.indexOf(';');
        return (semicolon < 0 ? header : header.substring(0, semicolon)).strip().toLowerCase(Locale.ROOT);
    }

    /** An object in JSON, YAML or protobuf, which the audit log sees. */
    static ObjectNode object(Exchange exchange, byte[] body) {
        ObjectNode object = object(type(exchange), body);
        AuditedExchange.request(exchange, object);
        return object;
    }

    private static ObjectNode object(String type, byte[] body) {
        switch (type) {
            case "", "application/json" -> {
                return asObject(json(body));
            }
            case "application/yaml", "application/x-yaml", "text/yaml" -> {
                return asObject(yaml(body));
            }
            case ProtobufBodies.MEDIA_TYPE -> {
                return ProtobufBodies.decode(body);
            }
            default -> throw Statuses.unsupportedMediaType();
        }
    }

    private static ObjectNode asObject(JsonNode node) {
        if (node instanceof ObjectNode object) {
            return object;
        }
        throw Statuses.badRequest("couldn't get version/kind; json parse error: the body is no JSON object");
    }

    static JsonNode json(byte[] body) {
        try {
            JsonNode node = Json.mapper().readTree(body);
            return node;
        } catch (JsonProcessingException e) {
            throw Statuses.badRequest("couldn't get version/kind; json parse error: " + e.getOriginalMessage());
        } catch (IOException e) {
            throw Statuses.badRequest("couldn't get version/kind; json parse error: " + e.getMessage());
        }
    }

    static JsonNode yaml(byte[] body) {
        if (body.length > 0 && body[0] == '{') {
            return json(body);
        }
        try {
            return Yaml.MAPPER.readTree(body);
        } catch (JsonProcessingException e) {
            throw Statuses.badRequest("error converting YAML to JSON: yaml: " + e.getOriginalMessage());
        } catch (IOException | RuntimeException e) {
            throw Statuses.badRequest("error converting YAML to JSON: yaml: " + e.getMessage());
        }
    }

    static byte[] writeYaml(JsonNode node) throws IOException {
        return Yaml.MAPPER.writeValueAsString(node).getBytes(StandardCharsets.UTF_8);
    }
}
