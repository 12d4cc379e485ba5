package dev.coppice.health.check;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;

/** Reads specs from short JSON in tests; durations are written as 30s. */
public final class Specs {
    private static final ObjectMapper JSON = JsonMapper.builder()
            .addModule(new SimpleModule()
                    .addDeserializer(Duration.class, new JsonDeserializer<>() {
                        @Override
                        public Duration deserialize(JsonParser p, DeserializationContext c) throws IOException {
                            return Duration.parse("PT" + p.getText().toUpperCase());
                        }
                    })
                    .addDeserializer(Instant.class, new JsonDeserializer<>() {
                        @Override
                        public Instant deserialize(JsonParser p, DeserializationContext c) throws IOException {
                            return Instant.parse(p.getText());
                        }
                    }))
            .enable(SerializationFeature.INDENT_OUTPUT)
            .build();

    private Specs() {}

    public static <T> T read(Class<T> type, String json) {
        try {
            return JSON.readValue(json.replace('\'', '"'), type);
        } catch (IOException e) {
            throw new IllegalArgumentException(e);
        }
    }

    public static ObjectNode tree(String json) {
        return read(ObjectNode.class, json);
    }

    public static CheckPlan plan(String name, String json) {
        return plan(name, 1, Map.of(), json);
    }

    public static CheckPlan plan(String name, long generation, Map<String, String> labels, String json) {
        var compiled = PlanCompiler.compile(
                new Key("ns", name),
                "uid-" + name,
                generation,
                labels,
                read(dev.coppice.health.kind.HealthCheckSpec.class, json));
        return switch (compiled) {
            case PlanCompiler.Valid valid -> valid.plan();
            case PlanCompiler.Invalid invalid ->
                throw new IllegalArgumentException(invalid.errors().toString());
        };
    }
}
