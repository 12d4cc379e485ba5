package dev.coppice.schema;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.lang.annotation.Annotation;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.AnnotatedParameterizedType;
import java.lang.reflect.AnnotatedType;
import java.lang.reflect.Field;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes the schema of a kind out of its records: components become properties, and the annotations of this package
 * descriptions, bounds, defaults and rules. Pure functions.
 *
 * <p>Component types: String, the numbers, boolean, enums (constants as written, or as {@link JsonProperty} names them),
 * Duration ({@code 1h30m}), Instant, other records, Collections and Maps with String keys of these, and JsonNode for
 * anything; {@code @Format("int-or-string")} makes a component either. The bounds of a list's items or a map's values stand
 * before their type: {@code List<@Length(max = 63) String>}. An annotation that is itself annotated with bounds stands for them.
 */
public final class RecordSchema {
    private static final String PRESERVE = "x-kubernetes-preserve-unknown-fields";

    private final Set<Class<?>> open = new HashSet<>();

    private RecordSchema() {}

    /**
     * The structural schema of one record.
     *
     * @throws IllegalArgumentException where a component has a type or an annotation that no schema can express
     */
    public static ObjectNode of(Class<? extends Record> type) {
        return new RecordSchema().object(type);
    }

    /**
     * The openAPIV3Schema of a kind: its description, spec and status.
     *
     * @param status null for a kind without status
     */
    public static ObjectNode ofKind(
            String description, Class<? extends Record> spec, @Nullable Class<? extends Record> status) {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        root.put("type", "object").put("description", description);
        ObjectNode properties = root.putObject("properties");
        properties.set("spec", of(spec));
        if (status != null) {
            properties.set("status", of(status));
        }
        if (spec.isAnnotationPresent(Required.class)) {
            root.putArray("required").add("spec");
        }
        return root;
    }

    private ObjectNode object(Class<?> type) {
        if (!open.add(type)) {
            throw new IllegalArgumentException(type + " contains itself; a structural schema cannot be recursive");
        }
        ObjectNode schema = JsonNodeFactory.instance.objectNode().put("type", "object");
        annotate(schema, type, type.getName());
        ObjectNode properties = JsonNodeFactory.instance.objectNode();
        ArrayNode required = JsonNodeFactory.instance.arrayNode();
        for (RecordComponent component : type.getRecordComponents()) {
            String name = RecordMapper.name(component);
            ObjectNode property = type(component.getAnnotatedType(), component);
            annotate(property, component, type.getName() + "." + component.getName());
            properties.set(name, property);
            if (component.isAnnotationPresent(Required.class)) {
                required.add(name);
            }
        }
        if (!properties.isEmpty()) {
            schema.set("properties", properties);
        }
        if (!required.isEmpty()) {
            schema.set("required", required);
        }
        open.remove(type);
        return schema;
    }

    private ObjectNode type(AnnotatedType annotated, AnnotatedElement place) {
        ObjectNode schema = JsonNodeFactory.instance.objectNode();
        Format format = place.getAnnotation(Format.class);
        if (format != null && format.value().equals("int-or-string")) {
            return schema.put("x-kubernetes-int-or-string", true);
        }
        if (annotated instanceof AnnotatedParameterizedType generic
                && annotated.getType() instanceof ParameterizedType parameterized
                && parameterized.getRawType() instanceof Class<?> raw) {
            AnnotatedType[] arguments = generic.getAnnotatedActualTypeArguments();
            if (Collection.class.isAssignableFrom(raw)) {
                schema.put("type", "array").set("items", item(arguments[0]));
                return Set.class.isAssignableFrom(raw) ? schema.put("x-kubernetes-list-type", "set") : schema;
            }
            if (Map.class.isAssignableFrom(raw) && arguments[0].getType() == String.class) {
                schema.put("type", "object").set("additionalProperties", item(arguments[1]));
                return schema;
            }
            if (raw == Optional.class) {
                return type(arguments[0], place);
            }
        }
        if (annotated.getType() instanceof Class<?> plain) {
            return plain(plain, schema);
        }
        throw new IllegalArgumentException("No schema can be made of " + annotated.getType() + " at " + place);
    }

    private ObjectNode item(AnnotatedType annotated) {
        ObjectNode schema = type(annotated, annotated);
        annotate(schema, annotated, annotated.getType().getTypeName());
        return schema;
    }

    private ObjectNode plain(Class<?> type, ObjectNode schema) {
        if (type.isRecord()) {
            return object(type);
        }
        if (type.isEnum()) {
            ArrayNode values = schema.put("type", "string").putArray("enum");
            for (Field field : type.getDeclaredFields()) {
                if (field.isEnumConstant()) {
                    JsonProperty named = field.getAnnotation(JsonProperty.class);
                    values.add(named == null || named.value().isEmpty() ? field.getName() : named.value());
                }
            }
            return schema;
        }
        if (JsonNode.class.isAssignableFrom(type) || type == Object.class) {
            if (type == ObjectNode.class) {
                schema.put("type", "object");
            }
            return schema.put(PRESERVE, true);
        }
        return scalar(type, schema);
    }

    private static ObjectNode scalar(Class<?> type, ObjectNode schema) {
        if (CharSequence.class.isAssignableFrom(type)) {
            return schema.put("type", "string");
        } else if (type == Duration.class) {
            return schema.put("type", "string").put("format", "duration");
        } else if (type == Instant.class) {
            return schema.put("type", "string").put("format", "date-time");
        } else if (type == boolean.class || type == Boolean.class) {
            return schema.put("type", "boolean");
        } else if (type == int.class || type == Integer.class || type == short.class || type == Short.class) {
            return schema.put("type", "integer").put("format", "int32");
        } else if (type == long.class || type == Long.class || type == BigInteger.class) {
            return schema.put("type", "integer").put("format", "int64");
        } else if (type == double.class
                || type == Double.class
                || type == float.class
                || type == Float.class
                || type == BigDecimal.class) {
            return schema.put("type", "number");
        }
        throw new IllegalArgumentException("No schema can be made of " + type);
    }

    private static void annotate(ObjectNode schema, AnnotatedElement place, String where) {
        Description description = place.getAnnotation(Description.class);
        if (description != null) {
            schema.put("description", description.value());
        }
        Format format = place.getAnnotation(Format.class);
        if (format != null && !schema.has("x-kubernetes-int-or-string")) {
            schema.put("format", format.value());
        }
        Minimum minimum = find(place, Minimum.class);
        if (minimum != null) {
            bound(schema, "minimum", minimum.value());
        }
        Maximum maximum = find(place, Maximum.class);
        if (maximum != null) {
            bound(schema, "maximum", maximum.value());
        }
        Pattern pattern = find(place, Pattern.class);
        if (pattern != null) {
            schema.put("pattern", pattern.value());
        }
        Enumeration values = find(place, Enumeration.class);
        if (values != null) {
            ArrayNode all = schema.putArray("enum");
            for (String value : values.value()) {
                all.add(Values.text(schema, "type").equals("string") ? TextNode.valueOf(value) : json(value, where));
            }
        }
        Length length = find(place, Length.class);
        if (length != null) {
            length(schema, length);
        }
        ListType listType = place.getAnnotation(ListType.class);
        if (listType != null) {
            schema.put("x-kubernetes-list-type", listType.value());
        }
        ListMap keys = place.getAnnotation(ListMap.class);
        if (keys != null) {
            schema.put("x-kubernetes-list-type", "map");
            ArrayNode names = schema.putArray("x-kubernetes-list-map-keys");
            for (String key : keys.value()) {
                names.add(key);
            }
        }
        Default fallback = place.getAnnotation(Default.class);
        if (fallback != null) {
            schema.set("default", json(fallback.value(), where));
        }
        for (Rule rule : place.getAnnotationsByType(Rule.class)) {
            ArrayNode rules = schema.path("x-kubernetes-validations") instanceof ArrayNode list
                    ? list
                    : schema.putArray("x-kubernetes-validations");
            rules.addObject().put("rule", rule.value()).put("message", rule.message());
        }
    }

    /** The annotation, or that of an annotation at the place. */
    private static <A extends Annotation> @Nullable A find(AnnotatedElement place, Class<A> type) {
        A direct = place.getAnnotation(type);
        if (direct != null) {
            return direct;
        }
        for (Annotation each : place.getAnnotations()) {
            A found = each.annotationType().getAnnotation(type);
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    private static JsonNode json(String text, String where) {
        try {
            return new JsonMapper().readTree(text);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("@Default of " + where + " is not JSON: " + text, e);
        }
    }

    private static void bound(ObjectNode schema, String name, double value) {
        if (value == (int) value) {
            schema.put(name, (int) value);
        } else if (value == Math.rint(value) && Math.abs(value) < 1e15) {
            schema.put(name, (long) value);
        } else {
            schema.put(name, value);
        }
    }

    private static void length(ObjectNode schema, Length length) {
        String of = switch (Values.text(schema, "type")) {
            case "array" -> "Items";
            case "object" -> "Properties";
            default -> "Length";
        };
        if (length.min() > 0) {
            schema.put("min" + of, length.min());
        }
        if (length.max() < Integer.MAX_VALUE) {
            schema.put("max" + of, length.max());
        }
    }
}
