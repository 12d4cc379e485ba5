package dev.coppice.expression;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BinaryNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.primitives.UnsignedLong;
import dev.cel.common.types.TypeType;
import dev.cel.common.values.CelByteString;
import dev.cel.common.values.CelValue;
import dev.cel.common.values.NullValue;
import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Java and JSON values to CEL's and back. */
final class Values {
    private Values() {}

    static Object adapt(@Nullable Object value, SchemaType type) {
        if (type.form() == SchemaType.Form.OPTIONAL) {
            Object content = value instanceof Optional<?> optional ? optional.orElse(null) : value;
            return content == null ? Optional.empty() : Optional.of(adapt(content, type.elementOrAny()));
        }
        return switch (value) {
            case null -> NullValue.NULL_VALUE;
            case JsonNode node -> json(node, type);
            case String text -> text(text, type);
            case Boolean bool -> bool;
            case Long number -> type.form() == SchemaType.Form.DOUBLE ? (Object) number.doubleValue() : number;
            case Double number -> number;
            case Integer number -> adapt(number.longValue(), type);
            case Short number -> adapt(number.longValue(), type);
            case Byte number -> adapt(number.longValue(), type);
            case Float number -> number.doubleValue();
            case Instant instant -> instant;
            case Duration duration -> duration;
            case byte[] bytes -> CelByteString.of(bytes);
            case Enum<?> constant -> constant.name();
            case Map<?, ?> map -> LazyMap.of(strings(map), type);
            case List<?> list -> LazyList.of(list, type);
            case Collection<?> collection -> LazyList.of(List.copyOf(collection), type);
            case Optional<?> optional -> adapt(optional.orElse(null), type);
            case Opaque opaque -> opaque;
            case EvaluationException failure -> throw failed(failure);
            default ->
                throw new IllegalArgumentException("a " + value.getClass().getName()
                        + " cannot be used in an expression; give a JSON tree, string, number, boolean, Instant,"
                        + " Duration, bytes, list or map");
        };
    }

    /** A value whose own expression failed: its use fails in the same way. */
    private static RuntimeException failed(EvaluationException failure) {
        return switch (failure.reason()) {
            case ERROR -> new FunctionException(String.valueOf(failure.getMessage()));
            case COST, CALL_COST, TIME ->
                throw new Budget.Exhausted(failure.reason(), String.valueOf(failure.getMessage()));
        };
    }

    @SuppressWarnings("unchecked") // keys that are no strings are never asked for
    private static Map<String, ?> strings(Map<?, ?> map) {
        return (Map<String, ?>) map;
    }

    private static Object json(JsonNode node, SchemaType type) {
        return switch (node.getNodeType()) {
            case OBJECT -> LazyMap.of((ObjectNode) node, type);
            case ARRAY -> LazyList.of((ArrayNode) node, type);
            case STRING -> text(node.textValue(), type);
            case BOOLEAN -> node.booleanValue();
            case NUMBER -> number(node, type);
            case BINARY -> CelByteString.of(((BinaryNode) node).binaryValue());
            case NULL, MISSING -> NullValue.NULL_VALUE;
            case POJO -> node.asText();
        };
    }

    private static Object number(JsonNode node, SchemaType type) {
        if (type.form() != SchemaType.Form.DOUBLE) {
            if (node.isIntegralNumber() && node.canConvertToLong()) {
                return node.longValue();
            }
            if (type.form() == SchemaType.Form.SCALAR && node.canConvertToExactIntegral() && node.canConvertToLong()) {
                return node.longValue();
            }
        }
        return node.doubleValue();
    }

    private static Object text(String text, SchemaType type) {
        return switch (type.form()) {
            case BYTES -> CelByteString.of(Base64.getDecoder().decode(text));
            case TIMESTAMP -> timestamp(text);
            case DATE -> LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant();
            case DURATION -> Durations.parse(text);
            case ANY, SCALAR, DOUBLE, LIST, MAP, STRUCT, OPTIONAL -> text;
        };
    }

    private static Instant timestamp(String text) {
        try {
            return OffsetDateTime.parse(text).toInstant();
        } catch (DateTimeParseException e) {
            throw new IllegalArgumentException(
                    "`" + text + "` is no timestamp; write it as RFC 3339 says, such as 2026-01-31T12:00:00Z", e);
        }
    }

    static @Nullable Object toJava(Object value) {
        return switch (value) {
            case NullValue _ -> null;
            case LazyMap map -> map.whole() instanceof JsonNode node ? node : javaMap(map);
            case LazyList list -> list.whole() instanceof JsonNode node ? node : javaList(list);
            case Optional<?> optional -> optional.map(Values::toJava).orElse(null);
            case UnsignedLong number -> number.bigIntegerValue();
            case CelByteString bytes -> bytes.toByteArray();
            case Map<?, ?> map -> javaMap(map);
            case Collection<?> list -> javaList(list);
            case TypeType type -> type.containingTypeName();
            case CelValue opaque -> opaque.toString();
            case Constructions.Made made -> made.toJson();
            default -> value;
        };
    }

    private static Map<Object, @Nullable Object> javaMap(Map<?, ?> map) {
        Map<Object, @Nullable Object> result = new LinkedHashMap<>();
        map.forEach((key, element) -> result.put(key, toJava(element)));
        return Collections.unmodifiableMap(result);
    }

    private static List<@Nullable Object> javaList(Collection<?> list) {
        List<@Nullable Object> result = new ArrayList<>(list.size());
        list.forEach(element -> result.add(toJava(element)));
        return Collections.unmodifiableList(result);
    }

    static JsonNode toJson(Object value) {
        JsonNodeFactory nodes = JsonNodeFactory.instance;
        return switch (value) {
            case NullValue _ -> nodes.nullNode();
            case LazyMap map when map.whole() instanceof JsonNode node -> node.deepCopy();
            case LazyList list when list.whole() instanceof JsonNode node -> node.deepCopy();
            case Optional<?> optional -> optional.map(Values::toJson).orElse(nodes.nullNode());
            case Constructions.Made made -> made.toJson();
            case Boolean bool -> nodes.booleanNode(bool);
            case Long number -> nodes.numberNode(number);
            case Double number -> nodes.numberNode(number);
            case BigInteger number -> nodes.numberNode(number);
            case UnsignedLong number -> nodes.numberNode(number.bigIntegerValue());
            case CelByteString bytes -> nodes.textNode(Base64.getEncoder().encodeToString(bytes.toByteArray()));
            case Duration duration -> nodes.textNode(Durations.seconds(duration));
            case Map<?, ?> map -> {
                ObjectNode object = nodes.objectNode();
                map.forEach((key, element) -> object.set(String.valueOf(key), toJson(element)));
                yield object;
            }
            case Collection<?> list -> {
                ArrayNode array = nodes.arrayNode(list.size());
                list.forEach(element -> array.add(toJson(element)));
                yield array;
            }
            default -> nodes.textNode(String.valueOf(toJava(value)));
        };
    }
}
