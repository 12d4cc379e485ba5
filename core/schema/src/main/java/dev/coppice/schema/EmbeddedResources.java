package dev.coppice.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** Checks that embedded resources say what they are. */
final class EmbeddedResources {
    private static final String EMPTY = "must not be empty";

    private EmbeddedResources() {}

    static void check(Schema schema, JsonNode tree, String path, List<Cause> causes) {
        if (tree instanceof ObjectNode object) {
            if (schema.embeddedResource()) {
                checkResource(object, path, causes);
            }
            for (String name : Values.sortedNames(object)) {
                Schema child = schema.field(name);
                JsonNode value = object.get(name);
                if (child != null && value != null) {
                    check(child, value, path.isEmpty() ? name : path + "." + name, causes);
                }
            }
        } else if (tree instanceof ArrayNode array && schema.items() instanceof Schema items) {
            for (int i = 0; i < array.size(); i++) {
                check(items, array.get(i), path + "[" + i + "]", causes);
            }
        }
    }

    private static void checkResource(ObjectNode object, String path, List<Cause> causes) {
        String version = Values.text(object, "apiVersion");
        if (version.isEmpty()) {
            causes.add(Cause.required(path + ".apiVersion", EMPTY));
        } else if (version.chars().filter(c -> c == '/').count() > 1) {
            causes.add(Cause.invalid(path + ".apiVersion", version, "unexpected GroupVersion string: " + version));
        }
        if (Values.text(object, "kind").isEmpty()) {
            causes.add(Cause.required(path + ".kind", EMPTY));
        }
    }
}
