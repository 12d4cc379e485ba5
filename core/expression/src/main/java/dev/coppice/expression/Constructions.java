package dev.coppice.expression;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.collect.ImmutableCollection;
import com.google.common.collect.ImmutableSet;
import dev.cel.common.CelFunctionDecl;
import dev.cel.common.types.CelType;
import dev.cel.common.types.CelTypeProvider;
import dev.cel.common.types.ListType;
import dev.cel.common.types.SimpleType;
import dev.cel.common.types.StructType;
import dev.cel.common.values.CelValueProvider;
import dev.cel.runtime.CelFunctionBinding;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What expressions of mutating policies construct: {@code Object{…}}, with types of parts that are named by their paths
 * ({@code Object.spec.template{…}}), and {@code JSONPatch{…}}. Fields of objects may have any name and value; Kubernetes checks
 * them against the schema when they are merged.
 */
final class Constructions implements CelTypeProvider {
    static final CelType OBJECT = object("Object", ImmutableSet.of());
    private static final String PATCH = "JSONPatch";
    private static final Map<String, CelType> PATCH_FIELDS = Map.of(
            "op", SimpleType.STRING, "path", SimpleType.STRING, "from", SimpleType.STRING, "value", SimpleType.DYN);
    static final CelType PATCHES = ListType.create(StructType.create(
            PATCH, ImmutableSet.copyOf(PATCH_FIELDS.keySet()), field -> Optional.ofNullable(PATCH_FIELDS.get(field))));

    private static final Pattern IDENTIFIER = Pattern.compile("[_a-zA-Z][_a-zA-Z0-9]*");

    private final CelTypeProvider others;
    private final ImmutableSet<String> names;

    private Constructions(CelTypeProvider others, ImmutableSet<String> names) {
        this.others = others;
        this.names = names;
    }

    /** The types for one expression: its objects have the fields that it names. */
    static Constructions of(CelTypeProvider others, String source) {
        ImmutableSet.Builder<String> names = ImmutableSet.builder();
        Matcher matcher = IDENTIFIER.matcher(source);
        while (matcher.find()) {
            names.add(matcher.group());
        }
        return new Constructions(others, names.build());
    }

    /** The types for running: they are not looked into any more. */
    static Constructions ofAll() {
        return new Constructions(new Structs(), ImmutableSet.of());
    }

    @Override
    public ImmutableCollection<CelType> types() {
        return others.types();
    }

    @Override
    public Optional<CelType> findType(String name) {
        if (name.equals(PATCH)) {
            return Optional.of(((ListType) PATCHES).elemType());
        }
        return isObject(name) ? Optional.of(object(name, names)) : others.findType(name);
    }

    private static boolean isObject(String name) {
        return name.equals("Object") || name.startsWith("Object.");
    }

    private static CelType object(String name, ImmutableSet<String> fields) {
        return StructType.create(name, fields, _ -> Optional.of(SimpleType.DYN));
    }

    /** Makes the values. */
    static CelValueProvider values() {
        return (type, fields) ->
                type.equals(PATCH) || isObject(type) ? Optional.of(new Made(type, fields)) : Optional.empty();
    }

    /** The functions of Kubernetes' JSON patch library. */
    static List<CelFunctionDecl> declarations() {
        return library().declarations();
    }

    static List<CelFunctionBinding> bindings() {
        return library().bindings();
    }

    private static Library library() {
        Library library = new Library();
        library.global(
                "jsonpatch.escapeKey",
                "string_jsonpatch_escapeKey_string",
                a -> ((String) a[0]).replace("~", "~0").replace("/", "~1"),
                SimpleType.STRING,
                SimpleType.STRING);
        return library;
    }

    /**
     * A value that was constructed.
     *
     * @param type such as {@code Object.spec}
     */
    record Made(String type, Map<String, Object> fields) {
        JsonNode toJson() {
            ObjectNode object = JsonNodeFactory.instance.objectNode();
            // Sorted, as the runtime gives them in no order.
            new TreeMap<>(fields).forEach((name, value) -> object.set(name, Values.toJson(value)));
            return object;
        }
    }

    /** The parts of a value whose type is not named by the path at which they stand, each in Kubernetes' words. */
    static List<String> mismatches(Object value) {
        List<String> found = new ArrayList<>();
        switch (value) {
            case Made(String type, Map<String, Object> fields)
            when type.equals(PATCH) -> fields.values().forEach(each -> found.addAll(mismatches(each)));
            case Made made -> compare(made, made.type, found);
            case List<?> list -> list.forEach(each -> found.addAll(mismatches(each)));
            default -> {}
        }
        return found;
    }

    private static void compare(Object value, String path, List<String> found) {
        switch (value) {
            case Made(String type, Map<String, Object> fields) -> {
                if (!type.equals(path)) {
                    found.add("unexpected type name \"" + type + "\", expected \"" + path
                            + "\", which matches field name path from root Object type");
                }
                fields.forEach((name, each) -> compare(each, path + "." + name, found));
            }
            case List<?> list -> list.forEach(each -> compare(each, path, found));
            case Map<?, ?> map -> map.values().forEach(each -> compare(each, path, found));
            default -> {}
        }
    }
}
