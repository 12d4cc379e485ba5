package dev.coppice.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.deser.std.StdScalarDeserializer;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.ser.std.StdScalarSerializer;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Turns JSON trees into the records of a kind and back. Durations are written as Go writes them ({@code 1h30m0s}), times as
 * Kubernetes does (RFC 3339, UTC, whole seconds). Missing lists and maps become empty ones; unknown fields are ignored;
 * null and empty components are not written. Thread-safe.
 */
public final class RecordMapper {
    private RecordMapper() {}

    /**
     * Reads a record.
     *
     * @throws IllegalArgumentException where a value does not fit; the message names the field
     */
    public static <R extends Record> R toRecord(@Nullable JsonNode tree, Class<R> type) {
        JsonNode given = tree == null || tree.isNull() || tree.isMissingNode()
                ? com.fasterxml.jackson.databind.node.JsonNodeFactory.instance.objectNode()
                : tree;
        try {
            return Mapper.JSON.treeToValue(given, type);
        } catch (JsonMappingException e) {
            StringBuilder path = new StringBuilder();
            for (JsonMappingException.Reference step : e.getPath()) {
                path.append(
                        step.getFieldName() == null
                                ? "[" + step.getIndex() + "]"
                                : (path.isEmpty() ? "" : ".") + step.getFieldName());
            }
            throw new IllegalArgumentException(path + ": " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    /** Writes a record. */
    public static ObjectNode fromRecord(Record value) {
        return Mapper.JSON.valueToTree(value);
    }

    /** Writes any value: a record, a list or map of them, or a scalar. */
    public static JsonNode toTree(Object value) {
        return Mapper.JSON.valueToTree(value);
    }

    /** The field name of a record component. */
    static String name(RecordComponent component) {
        JsonProperty named = component.getAccessor().getAnnotation(JsonProperty.class);
        return named == null || named.value().isEmpty() ? component.getName() : named.value();
    }

    /** Holds the mapper from first use on. */
    private static final class Mapper {
        static final JsonMapper JSON = mapper();

        private static JsonMapper mapper() {
            SimpleModule times = new SimpleModule();
            times.addDeserializer(Duration.class, new DurationReader());
            times.addSerializer(Duration.class, new DurationWriter());
            times.addDeserializer(Instant.class, new InstantReader());
            times.addSerializer(Instant.class, new InstantWriter());
            JsonMapper.Builder builder = JsonMapper.builder()
                    .addModule(times)
                    .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                    .enable(DeserializationFeature.USE_LONG_FOR_INTS)
                    .defaultPropertyInclusion(
                            JsonInclude.Value.construct(JsonInclude.Include.NON_EMPTY, JsonInclude.Include.NON_NULL));
            for (Class<?> type : List.of(List.class, Set.class, Collection.class, Map.class)) {
                builder.withConfigOverride(
                        type, override -> override.setSetterInfo(JsonSetter.Value.forValueNulls(Nulls.AS_EMPTY)));
            }
            builder.withConfigOverride(
                    String.class,
                    override -> override.setInclude(
                            JsonInclude.Value.construct(JsonInclude.Include.NON_NULL, JsonInclude.Include.NON_NULL)));
            return builder.build();
        }
    }

    private static final class DurationReader extends StdScalarDeserializer<Duration> {
        private static final long serialVersionUID = 1L;

        DurationReader() {
            super(Duration.class);
        }

        @Override
        public Duration deserialize(JsonParser parser, DeserializationContext context) throws IOException {
            String text = parser.getValueAsString("");
            Duration duration = GoDuration.parse(text);
            if (duration == null) {
                throw JsonMappingException.from(
                        parser, "\"" + text + "\" is no duration; write it like 30s, 5m or 1h30m");
            }
            return duration;
        }
    }

    private static final class DurationWriter extends StdScalarSerializer<Duration> {
        private static final long serialVersionUID = 1L;

        DurationWriter() {
            super(Duration.class);
        }

        @Override
        public void serialize(Duration value, JsonGenerator generator, SerializerProvider provider) throws IOException {
            generator.writeString(GoDuration.format(value));
        }
    }

    private static final class InstantReader extends StdScalarDeserializer<Instant> {
        private static final long serialVersionUID = 1L;

        InstantReader() {
            super(Instant.class);
        }

        @Override
        public Instant deserialize(JsonParser parser, DeserializationContext context) throws IOException {
            String text = parser.getValueAsString("");
            try {
                return OffsetDateTime.parse(text).toInstant();
            } catch (DateTimeException e) {
                throw JsonMappingException.from(
                        parser, "\"" + text + "\" is no time; write it like 2026-01-31T12:00:00Z", e);
            }
        }
    }

    private static final class InstantWriter extends StdScalarSerializer<Instant> {
        private static final long serialVersionUID = 1L;

        InstantWriter() {
            super(Instant.class);
        }

        @Override
        public void serialize(Instant value, JsonGenerator generator, SerializerProvider provider) throws IOException {
            generator.writeString(value.truncatedTo(ChronoUnit.SECONDS).toString());
        }
    }
}
