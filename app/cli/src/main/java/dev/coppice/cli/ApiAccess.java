package dev.coppice.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What commands that ask a running node have in common: which node, as whom, and how to print. */
final class ApiAccess {
    static final ObjectMapper JSON = new ObjectMapper();
    private static final ObjectMapper YAML = new ObjectMapper(YAMLFactory.builder()
            .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
            .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
            .enable(YAMLGenerator.Feature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS)
            .build());
    private static final String HISTORY = "/apis/history.coppice.dev/v1/";

    @Mixin
    private final DataOption data = new DataOption();

    @Option(names = "--as", paramLabel = "USER", description = "Ask as this user; you have to be allowed to.")
    private String user = "";

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FORMAT",
            description = "table, json or yaml.")
    private String output = "table";

    /** Which object a command means. */
    record Subject(String resource, String name) {
        /** Of {@code TYPE/NAME} or {@code TYPE NAME}. */
        static Subject of(List<String> words) {
            String text = String.join("/", words);
            int slash = text.indexOf('/');
            if (slash <= 0 || slash == text.length() - 1 || text.indexOf('/', slash + 1) >= 0) {
                throw new IllegalArgumentException(
                        "\"" + String.join(" ", words) + "\": expected TYPE/NAME, such as configmap/app");
            }
            return new Subject(text.substring(0, slash), text.substring(slash + 1));
        }
    }

    ApiConnection open() throws IOException {
        if (!Set.of("table", "json", "yaml").contains(output)) {
            throw new IllegalArgumentException("-o " + output + ": expected table, json or yaml");
        }
        return ApiConnection.open(data.node()).as(user);
    }

    boolean table() {
        return output.equals("table");
    }

    String shown(JsonNode tree) throws JsonProcessingException {
        return output.equals("yaml")
                ? yaml(tree)
                : JSON.writerWithDefaultPrettyPrinter().writeValueAsString(tree);
    }

    /** One of many trees: in JSON on one line, in YAML as a document. */
    String line(JsonNode tree) throws JsonProcessingException {
        return output.equals("yaml") ? "---\n" + yaml(tree) : JSON.writeValueAsString(tree);
    }

    static String yaml(JsonNode tree) throws JsonProcessingException {
        return YAML.writeValueAsString(tree).stripTrailing();
    }

    /** The questions that name an object. */
    static Map<String, String> about(Subject subject, String namespace) {
        Map<String, String> query = new LinkedHashMap<>();
        query.put("resource", subject.resource());
        query.put("name", subject.name());
        query.put("namespace", namespace);
        return query;
    }

    /** Asks the history; empty values are not sent. */
    static JsonNode history(ApiConnection api, String what, Map<String, String> query)
            throws IOException, InterruptedException {
        return ask(api, HISTORY + what, query.entrySet());
    }

    /** Asks a path; empty values are not sent. */
    static JsonNode ask(ApiConnection api, String what, Collection<Map.Entry<String, String>> query)
            throws IOException, InterruptedException {
        return read(api.get(path(what, query)));
    }

    /** A path with a query; empty values are left out. */
    static String path(String what, Collection<Map.Entry<String, String>> query) {
        StringBuilder path = new StringBuilder(what);
        char separator = '?';
        for (Map.Entry<String, String> each : query) {
            if (!each.getValue().isEmpty()) {
                path.append(separator)
                        .append(each.getKey())
                        .append('=')
                        .append(URLEncoder.encode(each.getValue(), StandardCharsets.UTF_8));
                separator = '&';
            }
        }
        return path.toString();
    }

    /** The answer's tree; an exception with the API's message when it is a refusal. */
    static JsonNode read(ApiConnection.Answer answer) throws IOException {
        JsonNode tree;
        try {
            tree = JSON.readTree(answer.body());
        } catch (JsonProcessingException e) {
            throw new IOException("the node answered with status " + answer.status() + ": " + answer.body(), e);
        }
        if (answer.status() >= 300) {
            throw new IOException(tree.path("message").asText("the node answered with status " + answer.status()));
        }
        return tree;
    }
}
