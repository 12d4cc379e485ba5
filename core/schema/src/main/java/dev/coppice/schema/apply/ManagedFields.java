package dev.coppice.schema.apply;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Values;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The managers of an object and their fields, as they stand in metadata.managedFields. Mutable; not thread-safe. */
public final class ManagedFields {

    /**
     * Who manages: a name, how, through which version (for updates) and which subresource.
     *
     * @param operation Apply or Update
     * @param version the API version; "" for Apply, which is one manager whatever the version
     */
    record Manager(String name, String operation, String version, String subresource) implements Comparable<Manager> {
        private static final Comparator<Manager> ORDER = Comparator.comparing(Manager::encoded);

        private String encoded() {
            ObjectNode json =
                    JsonNodeFactory.instance.objectNode().put("manager", name).put("operation", operation);
            if (!version.isEmpty()) {
                json.put("apiVersion", version);
            }
            if (!subresource.isEmpty()) {
                json.put("subresource", subresource);
            }
            return json.toString();
        }

        @Override
        public int compareTo(Manager other) {
            return ORDER.compare(this, other);
        }

        /** As conflicts name it: {@code "hand" using v1}. */
        String shown() {
            return Values.quote(name)
                    + (subresource.isEmpty() ? "" : " with subresource " + Values.quote(subresource))
                    + (operation.equals("Update") ? " using " + version : "");
        }

        boolean applies() {
            return operation.equals("Apply");
        }
    }

    /** The fields of one manager, at a version. */
    record Owned(FieldSet set, String version, @Nullable String time) {
        Owned with(FieldSet other) {
            return new Owned(other, version, time);
        }
    }

    private final TreeMap<Manager, Owned> owners = new TreeMap<>();

    ManagedFields() {}

    /**
     * Reads the managedFields of an object; entries of unknown formats are left out.
     *
     * @throws IllegalArgumentException where an entry is malformed
     */
    static ManagedFields decode(@Nullable JsonNode list) {
        ManagedFields fields = new ManagedFields();
        if (!(list instanceof ArrayNode entries)) {
            return fields;
        }
        for (JsonNode entry : entries) {
            String operation = Values.text(entry, "operation");
            if (!operation.equals("Apply") && !operation.equals("Update")) {
                throw new IllegalArgumentException("operation must be `Apply` or `Update`, not " + operation);
            }
            String version = Values.text(entry, "apiVersion");
            Manager manager = new Manager(
                    Values.text(entry, "manager"),
                    operation,
                    operation.equals("Apply") ? "" : version,
                    Values.text(entry, "subresource"));
            JsonNode set = entry.path("fieldsV1");
            String time = Values.text(entry, "time");
            fields.owners.put(manager, new Owned(FieldSet.decode(set), version, time.isEmpty() ? null : time));
        }
        return fields;
    }

    /** Writes managedFields in Kubernetes' order: by operation, time, manager, version, subresource. */
    ArrayNode encode() {
        List<ObjectNode> entries = new ArrayList<>();
        owners.forEach((manager, owned) -> {
            ObjectNode entry = JsonNodeFactory.instance.objectNode();
            entry.put("manager", manager.name());
            entry.put("operation", manager.operation());
            entry.put("apiVersion", owned.version());
            if (owned.time() != null) {
                entry.put("time", owned.time());
            }
            entry.put("fieldsType", "FieldsV1");
            entry.set("fieldsV1", owned.set().encode());
            if (!manager.subresource().isEmpty()) {
                entry.put("subresource", manager.subresource());
            }
            entries.add(entry);
        });
        entries.sort(Comparator.comparing((ObjectNode e) -> Values.text(e, "operation"))
                .thenComparing(e -> seconds(Values.text(e, "time")))
                .thenComparing(e -> Values.text(e, "manager"))
                .thenComparing(e -> Values.text(e, "apiVersion"))
                .thenComparing(e -> Values.text(e, "subresource")));
        ArrayNode list = JsonNodeFactory.instance.arrayNode();
        entries.forEach(list::add);
        return list;
    }

    private static long seconds(String time) {
        try {
            return time.isEmpty() ? Long.MIN_VALUE : Instant.parse(time).getEpochSecond();
        } catch (DateTimeParseException e) {
            return Long.MIN_VALUE;
        }
    }

    TreeMap<Manager, Owned> owners() {
        return owners;
    }

    /** The field sets alone, to tell whether anything but times changed. */
    Map<Manager, FieldSet> sets() {
        TreeMap<Manager, FieldSet> sets = new TreeMap<>();
        owners.forEach((manager, owned) -> sets.put(manager, owned.set()));
        return sets;
    }

    /** Tells whether two objects are the same but for the times of their managedFields: then nothing needs storing. */
    public static boolean sameButTimes(ObjectNode a, ObjectNode b) {
        return Values.same(withoutTimes(a), withoutTimes(b));
    }

    private static ObjectNode withoutTimes(ObjectNode object) {
        ObjectNode copy = object.deepCopy();
        for (JsonNode entry : Values.elements(copy, "metadata", "managedFields")) {
            if (entry instanceof ObjectNode fields) {
                fields.remove("time");
            }
        }
        return copy;
    }
}
