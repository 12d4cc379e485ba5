package dev.coppice.expression;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.collect.ImmutableCollection;
import com.google.common.collect.ImmutableList;
import dev.cel.common.types.CelType;
import dev.cel.common.types.CelTypeProvider;
import dev.cel.common.types.SimpleType;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The struct types that the schemas of an environment declare. Variables of one schema have one type, so that
 * {@code self.spec == oldSelf.spec} compiles. Filled while a compiler is made; not changed afterwards.
 */
final class Structs implements CelTypeProvider {

    /** Types of CEL that have the name of a message, for {@code type(self) == google.protobuf.Duration}. */
    private static final Map<String, CelType> NAMED =
            Map.of("google.protobuf.Duration", SimpleType.DURATION, "google.protobuf.Timestamp", SimpleType.TIMESTAMP);

    private final Map<String, CelType> types = new LinkedHashMap<>();
    private final Map<JsonNode, SchemaType> schemas = new HashMap<>();

    SchemaType of(JsonNode schema, String path) {
        SchemaType known = schemas.get(schema);
        if (known != null) {
            return known;
        }
        SchemaType made = SchemaType.schema(schema, path, this);
        schemas.put(schema, made);
        return made;
    }

    void add(String name, CelType type) {
        types.put(name, type);
    }

    @Override
    public ImmutableCollection<CelType> types() {
        return ImmutableList.copyOf(types.values());
    }

    @Override
    public Optional<CelType> findType(String name) {
        CelType known = types.get(name);
        return Optional.ofNullable(known == null ? NAMED.get(name) : known);
    }
}
