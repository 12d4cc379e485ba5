package dev.coppice.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.re2j.Pattern;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A compiled, immutable schema of a JSON tree: the structural schema of a CustomResourceDefinition, or the definition of a
 * built-in type. It prunes, defaults and validates trees as Kubernetes 1.32 does, and carries what merges must know: list
 * types, keys, patch strategies. References to other definitions are resolved on first use, so recursive types work.
 *
 * <p>Thread-safe. Methods that say so change the given tree in place.
 *
 * @see <a href="https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/">CRDs</a>
 */
public final class Schema {
    private final Supplier<Node> source;
    private volatile @Nullable Node node;

    private Schema(Supplier<Node> source) {
        this.source = source;
    }

    static Schema lazy(Supplier<Schema> target) {
        return new Schema(() -> target.get().node());
    }

    static Schema of(Node node) {
        Schema schema = new Schema(() -> node);
        schema.node = node;
        return schema;
    }

    /** Compiles a schema as it stands in {@code openAPIV3Schema}, of any level. */
    public static Schema of(JsonNode json) {
        return new SchemaReader(null).read(json);
    }

    /**
     * Compiles the root schema of a custom resource: apiVersion, kind and metadata are implied.
     *
     * @param json the openAPIV3Schema of one version
     */
    public static Schema ofResource(JsonNode json) {
        return new SchemaReader(null).readResource(json);
    }

    /** Compiles an OpenAPI definition whose {@code $ref}s are resolved, lazily, by the given function of the name. */
    public static Schema ofDefinition(JsonNode json, Function<String, Schema> definitions) {
        return new SchemaReader(definitions).read(json);
    }

    /** The schema that allows anything and keeps it. */
    public static Schema any() {
        ObjectNode json = com.fasterxml.jackson.databind.node.JsonNodeFactory.instance.objectNode();
        return of(json.put("x-kubernetes-preserve-unknown-fields", true));
    }

    Node node() {
        Node known = node;
        if (known == null) {
            known = source.get();
            node = known;
        }
        return known;
    }

    /** The JSON it was compiled from; not to be changed. */
    public ObjectNode json() {
        return node().json;
    }

    /** The type: object, array, string, integer, number, boolean, or "" for any or int-or-string. */
    public String type() {
        return node().type;
    }

    public String format() {
        return node().format;
    }

    public String description() {
        return Values.text(json(), "description");
    }

    public boolean nullable() {
        return node().nullable;
    }

    public boolean intOrString() {
        return node().intOrString;
    }

    /** Unknown fields are kept (x-kubernetes-preserve-unknown-fields). */
    public boolean preservesUnknown() {
        return node().preserveUnknown;
    }

    /** The value is a whole resource with apiVersion, kind and metadata. */
    public boolean embeddedResource() {
        return node().embedded;
    }

    /** The root of a custom resource. */
    public boolean resourceRoot() {
        return node().resourceRoot;
    }

    /** Read from definitions of built-in types, where empty objects mean anything. */
    public boolean definition() {
        return node().definition;
    }

    public Map<String, Schema> properties() {
        return node().properties;
    }

    public @Nullable Schema property(String name) {
        return node().properties.get(name);
    }

    /** The schema of a child field: of the property, or else of additional properties; null when it is unknown. */
    public @Nullable Schema field(String name) {
        Schema property = property(name);
        return property != null ? property : node().additional;
    }

    public @Nullable Schema items() {
        return node().items;
    }

    public @Nullable Schema additionalProperties() {
        return node().additional;
    }

    public List<String> required() {
        return node().required;
    }

    public @Nullable JsonNode defaultValue() {
        return node().defaultValue;
    }

    /** atomic, set or map; "" where none is given. */
    public String listType() {
        return node().listType;
    }

    public List<String> listMapKeys() {
        return node().listMapKeys;
    }

    /** atomic or granular; "" where none is given. */
    public String mapType() {
        return node().mapType;
    }

    /** The strategy of strategic merge patches: merge, replace, retainKeys or a comma-separated mix; "" where none is given. */
    public String patchStrategy() {
        return node().patchStrategy;
    }

    public String patchMergeKey() {
        return node().patchMergeKey;
    }

    /** The CEL rules of this level (x-kubernetes-validations). */
    public List<ValidationRule> rules() {
        return node().rules;
    }

    /**
     * Removes, in place, what the schema does not know.
     *
     * @return the paths of what was removed: those of metadata first, the others sorted
     */
    public List<String> prune(JsonNode tree) {
        return Pruning.prune(this, tree, true);
    }

    /** The paths that {@link #prune} would remove, such as {@code spec.ports[0].bogus}. */
    public List<String> unknownFields(JsonNode tree) {
        return Pruning.prune(this, tree, false);
    }

    /** Drops nulls where they are not allowed and fills in defaults, in place. */
    public void applyDefaults(JsonNode tree) {
        Defaulting.dropNulls(this, tree);
        Defaulting.apply(this, tree);
    }

    /** Checks a tree; an empty list means that it is valid. CEL rules are not run here. */
    public List<Cause> validate(JsonNode tree) {
        return validate(tree, "");
    }

    /**
     * Checks a part of an object. Kubernetes leaves the base out of the messages but not out of the fields.
     *
     * @param base the path of the part, such as {@code status}; "" for the root
     */
    public List<Cause> validate(JsonNode tree, String base) {
        return Validation.validate(this, tree, base);
    }

    /**
     * Checks the schema itself, as a CustomResourceDefinition's validation does: whether it is structural, with valid
     * defaults, patterns and list types.
     *
     * @param json the openAPIV3Schema
     * @param path its place, such as {@code spec.validation.openAPIV3Schema}
     */
    public static List<Cause> check(JsonNode json, String path) {
        return new StructuralCheck().check(json, path);
    }

    /** The compiled contents. */
    static final class Node {
        final ObjectNode json;
        String type = "";
        String format = "";
        boolean nullable;
        boolean intOrString;
        boolean preserveUnknown;
        boolean embedded;
        boolean resourceRoot;
        boolean definition;
        boolean uniqueItems;
        Map<String, Schema> properties = new LinkedHashMap<>();

        @Nullable
        Schema items;

        @Nullable
        Schema additional;

        List<String> required = List.of();
        List<JsonNode> enumeration = List.of();

        @Nullable
        JsonNode defaultValue;

        @Nullable
        Double minimum;

        @Nullable
        Double maximum;

        @Nullable
        Double multipleOf;

        boolean exclusiveMinimum;
        boolean exclusiveMaximum;

        @Nullable
        Long minLength;

        @Nullable
        Long maxLength;

        @Nullable
        Long minItems;

        @Nullable
        Long maxItems;

        @Nullable
        Long minProperties;

        @Nullable
        Long maxProperties;

        @Nullable
        String patternText;

        @Nullable
        Pattern pattern;

        List<Schema> allOf = List.of();
        List<Schema> anyOf = List.of();
        List<Schema> oneOf = List.of();

        @Nullable
        Schema not;

        String listType = "";
        List<String> listMapKeys = List.of();
        String mapType = "";
        String patchStrategy = "";
        String patchMergeKey = "";
        List<ValidationRule> rules = List.of();

        Node(ObjectNode json) {
            this.json = json;
        }
    }
}
