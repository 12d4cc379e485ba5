package dev.coppice.health.blackbox;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.util.List;
import org.yaml.snakeyaml.LoaderOptions;

/** Reads and writes YAML, bounded: 16 MiB of text, 50 aliases, 100 levels, no key twice. */
public final class Yaml {
    private static final YAMLMapper MAPPER = mapper();

    private Yaml() {}

    private static YAMLMapper mapper() {
        var options = new LoaderOptions();
        options.setCodePointLimit(16 << 20);
        options.setMaxAliasesForCollections(50);
        options.setNestingDepthLimit(100);
        options.setAllowDuplicateKeys(false);
        var factory = YAMLFactory.builder()
                .loaderOptions(options)
                .disable(YAMLGenerator.Feature.SPLIT_LINES)
                .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
                .enable(YAMLGenerator.Feature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS)
                .enable(YAMLGenerator.Feature.INDENT_ARRAYS_WITH_INDICATOR)
                .build();
        return YAMLMapper.builder(factory)
                .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
                .build();
    }

    /**
     * Reads one document; an empty one is an empty object.
     *
     * @throws IllegalArgumentException with the place, in words for the user
     */
    public static JsonNode read(String name, String text) {
        try {
            var tree = MAPPER.readTree(text);
            return tree == null || tree.isMissingNode() || tree.isNull() ? JsonNodeFactory.instance.objectNode() : tree;
        } catch (JsonProcessingException e) {
            var where = e.getLocation();
            throw new IllegalArgumentException(
                    name + (where == null ? "" : ", line " + where.getLineNr()) + ": no valid YAML: "
                            + e.getOriginalMessage().lines().findFirst().orElse(""),
                    e);
        }
    }

    /** Writes documents one after the other, each with its {@code ---}. */
    public static String write(List<? extends JsonNode> documents) {
        var out = new StringBuilder();
        try {
            for (var document : documents) {
                out.append(MAPPER.writeValueAsString(document));
            }
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree can always be written", e);
        }
        return out.toString();
    }
}
