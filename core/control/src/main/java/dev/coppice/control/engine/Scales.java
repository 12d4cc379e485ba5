package dev.coppice.control.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.Definition.ScalePaths;
import dev.coppice.schema.Cause;
import java.util.List;
import java.util.Objects;

/** Reads and writes autoscaling/v1 Scale objects of custom resources. */
public final class Scales {
    private Scales() {}

    /** The scale of an object. */
    public static ObjectNode of(Definition definition, ObjectNode object) {
        ScalePaths paths = Objects.requireNonNull(definition.scale());
        ObjectNode scale = Json.object();
        scale.put("kind", "Scale").put("apiVersion", "autoscaling/v1");
        ObjectNode meta = scale.putObject("metadata");
        for (String name : new String[] {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) {
            JsonNode value = object.path("metadata").get(name);
            if (value != null) {
                meta.set(name, value);
            }
        }
        ObjectNode spec = scale.putObject("spec");
        JsonNode wanted = at(object, paths.spec());
        if (wanted.isNumber()) {
            spec.put("replicas", wanted.asInt());
        }
        ObjectNode status = scale.putObject("status");
        status.put("replicas", at(object, paths.status()).asInt(0));
        String selector =
                paths.selector().isEmpty() ? "" : at(object, paths.selector()).asText("");
        if (!selector.isEmpty()) {
            status.put("selector", selector);
        }
        return scale;
    }

    /** Puts the wanted number of a scale into the object. */
    public static void into(Definition definition, ObjectNode object, ObjectNode scale) {
        ScalePaths paths = Objects.requireNonNull(definition.scale());
        String[] steps = paths.spec().split("\\.");
        ObjectNode parent = object;
        for (int i = 0; i < steps.length - 1; i++) {
            parent = Json.child(parent, steps[i]);
        }
        parent.put(steps[steps.length - 1], scale.path("spec").path("replicas").asInt(0));
        String version = Json.text(scale, "metadata", "resourceVersion");
        if (version.isEmpty()) {
            Json.metadata(object).remove("resourceVersion");
        } else {
            Json.metadata(object).put("resourceVersion", version);
        }
    }

    /** Whether the wanted number can be one. */
    static List<Cause> check(Definition definition, ObjectNode object) {
        ScalePaths paths = definition.scale();
        if (paths == null) {
            return List.of();
        }
        JsonNode wanted = at(object, paths.spec());
        return wanted.isNumber() && wanted.asLong() < 0
                ? List.of(Cause.invalid("." + paths.spec(), wanted.asLong(), "should be a non-negative integer"))
                : List.of();
    }

    private static JsonNode at(ObjectNode object, String path) {
        JsonNode at = object;
        for (String step : path.split("\\.")) {
            at = at.path(step);
        }
        return at;
    }
}
