package dev.coppice.schema.table;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Values;
import dev.coppice.schema.builtin.BuiltinSchemas;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The columns of a custom resource's Table, as its CustomResourceDefinition declares them: the name first, and the age where
 * none are declared. Immutable and thread-safe.
 */
public final class PrinterColumns {
    private static final List<String> TYPES = List.of("integer", "number", "boolean", "string", "date");

    /** One declared column. */
    private record Column(String name, String type, String format, String description, int priority, JsonPath path) {}

    private final List<Column> columns;

    private PrinterColumns(List<Column> columns) {
        this.columns = columns;
    }

    /**
     * Reads {@code additionalPrinterColumns} of a version; null or empty gives the age only.
     *
     * @throws JsonPath.InvalidPathException where a path is malformed
     */
    public static PrinterColumns of(@Nullable JsonNode declared) {
        List<Column> columns = new ArrayList<>();
        if (declared != null) {
            for (JsonNode column : declared) {
                String path = Values.text(column, "jsonPath");
                String description = Values.text(column, "description");
                columns.add(new Column(
                        Values.text(column, "name"),
                        Values.text(column, "type"),
                        Values.text(column, "format"),
                        description.isEmpty()
                                ? "Custom resource definition column (in JSONPath format): " + path
                                : description,
                        column.path("priority").asInt(0),
                        JsonPath.compile(path)));
            }
        }
        if (columns.isEmpty()) {
            String description = BuiltinSchemas.description(BuiltinSchemas.OBJECT_META, "creationTimestamp");
            columns.add(new Column("Age", "date", "", description, 0, JsonPath.compile(".metadata.creationTimestamp")));
        }
        return new PrinterColumns(List.copyOf(columns));
    }

    /** The column types that a CRD may name. */
    public static List<String> types() {
        return TYPES;
    }

    /** The {@code columnDefinitions} of a Table. */
    public ArrayNode definitions() {
        ArrayNode definitions = JsonNodeFactory.instance.arrayNode();
        String description = BuiltinSchemas.description(BuiltinSchemas.OBJECT_META, "name");
        definitions.add(definition("Name", "string", "name", description, 0));
        for (Column c : columns) {
            definitions.add(definition(c.name(), c.type(), c.format(), c.description(), c.priority()));
        }
        return definitions;
    }

    private static ObjectNode definition(String name, String type, String format, String description, int priority) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("name", name)
                .put("type", type)
                .put("format", format)
                .put("description", description)
                .put("priority", priority);
    }

    /** The {@code cells} of an object's row; null where a column has no fitting value. */
    public ArrayNode cells(ObjectNode object, Instant now) {
        ArrayNode cells = JsonNodeFactory.instance.arrayNode();
        cells.add(Values.text(object, "metadata", "name"));
        for (Column column : columns) {
            JsonNode value = column.path().first(object);
            if (value == null || value.isNull()) {
                cells.addNull();
            } else {
                addCell(cells, column.type(), value, now);
            }
        }
        return cells;
    }

    private static void addCell(ArrayNode cells, String type, JsonNode value, Instant now) {
        switch (type) {
            case "string" -> cells.add(text(value));
            case "integer" -> {
                if (value.isNumber()) {
                    cells.add(value.longValue());
                } else {
                    cells.addNull();
                }
            }
            case "number" -> {
                if (value.isNumber()) {
                    cells.add(value.doubleValue());
                } else {
                    cells.addNull();
                }
            }
            case "boolean" -> {
                if (value.isBoolean()) {
                    cells.add(value.booleanValue());
                } else {
                    cells.addNull();
                }
            }
            case "date" -> {
                if (value.isTextual()) {
                    cells.add(age(value.textValue(), now));
                } else {
                    cells.addNull();
                }
            }
            default -> cells.addNull();
        }
    }

    private static String text(JsonNode value) {
        return value.isContainerNode()
                ? Values.sorted(value).toString()
                : value.isNumber() ? Values.number(value) : value.asText();
    }

    /** How long ago a time (RFC 3339) was, as kubectl shows it: {@code 5m}, {@code <invalid>}. */
    public static String age(String time, Instant now) {
        try {
            return humanDuration(Duration.between(OffsetDateTime.parse(time).toInstant(), now));
        } catch (DateTimeException e) {
            return "<invalid>";
        }
    }

    /** A duration in the units that matter, as Kubernetes' HumanDuration. */
    public static String humanDuration(Duration duration) {
        long seconds = duration.toSeconds();
        if (seconds < -1) {
            return "<invalid>";
        } else if (seconds < 0) {
            return "0s";
        } else if (seconds < 120) {
            return seconds + "s";
        }
        long minutes = seconds / 60;
        if (minutes < 10) {
            return two(minutes, "m", seconds % 60, "s");
        } else if (minutes < 180) {
            return minutes + "m";
        }
        long hours = minutes / 60;
        if (hours < 8) {
            return two(hours, "h", minutes % 60, "m");
        } else if (hours < 48) {
            return hours + "h";
        } else if (hours < 192) {
            return two(hours / 24, "d", hours % 24, "h");
        }
        long days = hours / 24;
        if (days < 730) {
            return days + "d";
        } else if (days < 2920) {
            return two(days / 365, "y", days % 365, "d");
        }
        return days / 365 + "y";
    }

    private static String two(long big, String bigUnit, long small, String smallUnit) {
        return small == 0 ? big + bigUnit : big + bigUnit + small + smallUnit;
    }
}
