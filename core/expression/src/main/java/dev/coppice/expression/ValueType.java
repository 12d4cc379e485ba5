package dev.coppice.expression;

import com.fasterxml.jackson.databind.JsonNode;

/** What is known of a value when an expression over it is compiled. Known types find mistakes before the first run. */
public sealed interface ValueType {

    /** Types without parameters. */
    enum Simple implements ValueType {
        /** Anything; checked when it runs. */
        ANY,
        BOOL,
        INT,
        DOUBLE,
        STRING,
        BYTES,
        TIMESTAMP,
        DURATION,
        /** What {@link AccessCheck#authorizer} makes. */
        AUTHORIZER,
        /** What {@link AccessCheck#resource} makes. */
        RESOURCE_CHECK,
        /** {@code Object{…}}; see {@link Environment#constructing}. */
        OBJECT,
        /** A list of {@code JSONPatch{…}}. */
        JSON_PATCHES
    }

    ValueType ANY = Simple.ANY;
    ValueType BOOL = Simple.BOOL;
    ValueType INT = Simple.INT;
    ValueType DOUBLE = Simple.DOUBLE;
    ValueType STRING = Simple.STRING;
    ValueType BYTES = Simple.BYTES;
    ValueType TIMESTAMP = Simple.TIMESTAMP;
    ValueType DURATION = Simple.DURATION;
    ValueType AUTHORIZER = Simple.AUTHORIZER;
    ValueType RESOURCE_CHECK = Simple.RESOURCE_CHECK;
    ValueType OBJECT = Simple.OBJECT;
    ValueType JSON_PATCHES = Simple.JSON_PATCHES;

    /** A list of one type of value. */
    record ListOf(ValueType element) implements ValueType {}

    /** A map from strings to one type of value. */
    record MapOf(ValueType value) implements ValueType {}

    /**
     * A value described by an OpenAPI v3 structural schema, typed as Kubernetes types it: objects with properties have
     * fields (names that are no CEL identifiers are escaped: {@code a-b} is {@code a__dash__b}), others are maps;
     * {@code format: date-time} is a timestamp and {@code format: duration} a duration; {@code number} is a double.
     * What the schema leaves open may be anything.
     *
     * @param schema not to be changed afterwards
     */
    record OfSchema(JsonNode schema) implements ValueType {}

    /**
     * A value that may be there or not, such as {@code oldSelf} of a rule that also runs on creation; an
     * {@code optional} in CEL. Its Java value is an Optional, or null for none, or the value.
     */
    record OptionalOf(ValueType value) implements ValueType {}

    static ValueType optionalOf(ValueType value) {
        return new OptionalOf(value);
    }

    static ValueType listOf(ValueType element) {
        return new ListOf(element);
    }

    static ValueType mapOf(ValueType value) {
        return new MapOf(value);
    }

    static ValueType ofSchema(JsonNode schema) {
        return new OfSchema(schema);
    }
}
