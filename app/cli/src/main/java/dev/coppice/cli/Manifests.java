package dev.coppice.cli;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.coppice.control.ApiException;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.ResourceClient.ServedType;
import dev.coppice.server.Server;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.yaml.snakeyaml.LoaderOptions;

/**
 * The manifests of a file or folder, read whole before any is applied. Definitions and namespaces come first, the rest in
 * order of file name. Immutable.
 */
record Manifests(List<Manifest> manifests) {
    static final Manifests NONE = new Manifests(List.of());

    /** Who owns the fields that {@code coppice up} applies. */
    static final String FIELD_MANAGER = "coppice-up";

    private static final long MAX_FILE_BYTES = 16L << 20;
    private static final int MAX_FILES = 10_000;
    private static final Pattern VARIABLE = Pattern.compile("\\$\\{([A-Z][A-Z0-9_]*)}");
    private static final ObjectMapper YAML = new ObjectMapper(
            YAMLFactory.builder().loaderOptions(loaderOptions()).build());

    /**
     * One object of a file.
     *
     * @param source the file, and which document of it
     */
    record Manifest(String source, ObjectNode object) {
        String apiVersion() {
            return object.path("apiVersion").asText();
        }

        String kind() {
            return object.path("kind").asText();
        }
    }

    /** An object that the API took. */
    record Applied(ResourceType type, String kind, String namespace, String name) {
        @Override
        public String toString() {
            return kind + " " + (namespace.isEmpty() ? "" : namespace + "/") + name;
        }
    }

    /** Manifests could not be read; every error names file and place. */
    static final class InvalidException extends Exception {
        private final transient List<String> errors;

        InvalidException(List<String> errors) {
            super(String.join("; ", errors));
            this.errors = List.copyOf(errors);
        }

        List<String> errors() {
            return errors;
        }
    }

    private static LoaderOptions loaderOptions() {
        LoaderOptions options = new LoaderOptions();
        options.setCodePointLimit((int) MAX_FILE_BYTES);
        options.setMaxAliasesForCollections(50);
        options.setNestingDepthLimit(100);
        options.setAllowDuplicateKeys(false);
        return options;
    }

    static Manifests read(Path path) throws InvalidException {
        List<String> errors = new ArrayList<>();
        List<Manifest> manifests = new ArrayList<>();
        for (Path file : files(path)) {
            try {
                if (Files.size(file) > MAX_FILE_BYTES) {
                    errors.add(file + ": larger than " + (MAX_FILE_BYTES >> 20) + " MiB: split it");
                } else {
                    documents(file, manifests, errors);
                }
            } catch (JacksonException e) {
                errors.add(file + ": line " + line(e) + ": not YAML or JSON: " + e.getOriginalMessage());
            } catch (IOException e) {
                errors.add(file + ": cannot be read: " + e.getClass().getSimpleName() + ": " + e.getMessage());
            }
        }
        if (!errors.isEmpty()) {
            throw new InvalidException(errors);
        }
        if (manifests.isEmpty()) {
            throw new InvalidException(
                    List.of(path + ": holds no manifest: expected files ending in .yaml, .yml or .json"));
        }
        manifests.sort(Comparator.comparingInt(Manifests::rank));
        return new Manifests(List.copyOf(manifests));
    }

    private static List<Path> files(Path path) throws InvalidException {
        if (Files.isRegularFile(path)) {
            return List.of(path);
        }
        if (!Files.isDirectory(path)) {
            throw new InvalidException(List.of(path + ": no such file or folder: give the folder of your manifests"));
        }
        try (Stream<Path> found = Files.walk(path, 8)) {
            return found.filter(Files::isRegularFile)
                    .filter(file -> file.getFileName().toString().matches("(?i).*\\.(ya?ml|json)"))
                    .sorted()
                    .limit(MAX_FILES)
                    .toList();
        } catch (IOException e) {
            throw new InvalidException(List.of(path + ": cannot be read: " + e.getMessage()));
        }
    }

    private static void documents(Path file, List<Manifest> manifests, List<String> errors) throws IOException {
        int index = 0;
        try (MappingIterator<JsonNode> documents =
                YAML.readerFor(JsonNode.class).readValues(file.toFile())) {
            while (documents.hasNextValue()) {
                JsonNode document = documents.nextValue();
                index++;
                String source = file + " (document " + index + ")";
                if (document == null || document.isNull() || document.isMissingNode()) {
                    continue;
                }
                if (document.path("kind").asText().equals("List")
                        && document.path("items").isArray()) {
                    for (JsonNode item : document.path("items")) {
                        document(source, item, manifests, errors);
                    }
                } else {
                    document(source, document, manifests, errors);
                }
            }
        }
    }

    private static void document(String source, JsonNode document, List<Manifest> manifests, List<String> errors) {
        List<String> missing = Stream.of("apiVersion", "kind")
                .filter(field -> document.path(field).asText().isBlank())
                .toList();
        if (!(document instanceof ObjectNode object)) {
            errors.add(source + ": expected an object with apiVersion, kind and metadata");
        } else if (!missing.isEmpty()) {
            errors.add(source + ": " + String.join(" and ", missing) + " missing: every manifest names its kind");
        } else if (object.path("metadata").path("name").asText().isBlank()) {
            errors.add(
                    source + ": metadata.name missing: " + object.path("kind").asText() + " needs a name");
        } else {
            manifests.add(new Manifest(source, object));
        }
    }

    private static String line(JacksonException e) {
        return e.getLocation() == null ? "?" : Integer.toString(e.getLocation().getLineNr());
    }

    private static int rank(Manifest manifest) {
        return switch (manifest.kind()) {
            case "CustomResourceDefinition" -> 0;
            case "Namespace" -> 1;
            case "ClusterRole", "Role", "ServiceAccount" -> 2;
            case "ClusterRoleBinding", "RoleBinding", "ConfigMap", "Secret" -> 3;
            default -> 4;
        };
    }

    /** The same with variables filled in. */
    Manifests with(Map<String, String> variables) {
        return new Manifests(manifests.stream()
                .map(each -> new Manifest(each.source(), (ObjectNode) substitute(each.object(), variables)))
                .toList());
    }

    /** The manifests of several files and folders, in the order of an apply. */
    static Manifests read(List<Path> paths) throws InvalidException {
        List<Manifest> all = new ArrayList<>();
        List<String> errors = new ArrayList<>();
        for (Path path : paths) {
            try {
                all.addAll(read(path).manifests());
            } catch (InvalidException e) {
                errors.addAll(e.errors());
            }
        }
        if (!errors.isEmpty()) {
            throw new InvalidException(errors);
        }
        all.sort(Comparator.comparingInt(Manifests::rank));
        return new Manifests(List.copyOf(all));
    }

    /** Applies all (server-side apply); objects that the API took are added to {@code applied}; gives what it refused. */
    List<String> apply(Server server, Map<String, String> variables, List<Applied> applied) {
        List<String> errors = new ArrayList<>();
        ResourceClient resources = server.resources();
        for (Manifest manifest : manifests) {
            Optional<ServedType> served = resources.types().stream()
                    .filter(type -> type.type().apiVersion().equals(manifest.apiVersion())
                            && type.kind().equals(manifest.kind()))
                    .findFirst();
            if (served.isEmpty()) {
                errors.add(
                        manifest.source() + ": no kind \"" + manifest.kind() + "\" in \"" + manifest.apiVersion()
                                + "\": `kubectl api-resources` lists what is served; a kind of your own needs its CustomResourceDefinition in the folder");
                continue;
            }
            ObjectNode object = (ObjectNode) substitute(manifest.object(), variables);
            ObjectNode metadata = object.withObjectProperty("metadata");
            if (served.get().namespaced() && metadata.path("namespace").asText().isEmpty()) {
                metadata.put("namespace", "default");
            }
            try {
                ObjectNode result = resources.apply(served.get().type(), object, FIELD_MANAGER, true);
                applied.add(new Applied(
                        served.get().type(),
                        manifest.kind(),
                        result.path("metadata").path("namespace").asText(""),
                        result.path("metadata").path("name").asText()));
            } catch (ApiException e) {
                errors.add(manifest.source() + ": " + e.getMessage());
            }
        }
        return errors;
    }

    private static JsonNode substitute(JsonNode node, Map<String, String> variables) {
        if (node.isTextual()) {
            Matcher matcher = VARIABLE.matcher(node.textValue());
            StringBuilder text = new StringBuilder();
            boolean found = false;
            while (matcher.find()) {
                String value = variables.get(matcher.group(1));
                if (value == null) {
                    // Not ours: a manifest may carry shell text of its own.
                    matcher.appendReplacement(text, Matcher.quoteReplacement(matcher.group()));
                    continue;
                }
                found = true;
                matcher.appendReplacement(text, Matcher.quoteReplacement(value));
            }
            matcher.appendTail(text);
            if (!found) {
                return node;
            }
            // A port is a number: a value that is one variable and nothing else takes its type.
            return VARIABLE.matcher(node.textValue()).matches()
                            && text.toString().matches("\\d{1,9}")
                    ? YAML.getNodeFactory().numberNode(Integer.parseInt(text.toString()))
                    : YAML.getNodeFactory().textNode(text.toString());
        }
        JsonNode copy = node.isContainerNode() ? node.deepCopy() : node;
        if (copy instanceof ObjectNode object) {
            node.properties().forEach(field -> object.set(field.getKey(), substitute(field.getValue(), variables)));
        } else if (copy.isArray()) {
            ArrayNode array = (ArrayNode) copy;
            for (int i = 0; i < array.size(); i++) {
                array.set(i, substitute(array.get(i), variables));
            }
        }
        return copy;
    }
}
