package dev.coppice.control.resource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.schema.table.PrinterColumns;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The columns that a type's objects are shown in. Immutable. */
public final class Columns {
    private static final String NAME_TEXT =
            "Name must be unique within a namespace. Is required when creating resources, although some resources may "
                    + "allow a client to request the generation of an appropriate name automatically. Name is primarily "
                    + "intended for creation idempotence and configuration definition. Cannot be updated. More info: "
                    + "https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";
    static final String CREATED_TEXT =
            "CreationTimestamp is a timestamp representing the server time when this object was created. It is not "
                    + "guaranteed to be set in happens-before order across separate operations. Clients may not set this "
                    + "value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. "
                    + "Null for lists. More info: "
                    + "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

    /** What a cell is made of: the object, and the time it is shown at. */
    @FunctionalInterface
    public interface Cell {
        JsonNode of(ObjectNode object, Instant now);
    }

    /** A column. */
    public record Column(String name, String type, String format, String description, int priority, Cell cell) {}

    public static final Columns NAME_AND_AGE = new Columns(List.of()).age();
    private final List<Column> columns;
    private final @Nullable PrinterColumns declared;
    private final boolean named;

    private Columns(List<Column> columns) {
        this(columns, true);
    }

    private Columns(List<Column> columns, boolean named) {
        this.columns = List.copyOf(columns);
        this.declared = null;
        this.named = named;
    }

    private Columns(PrinterColumns declared) {
        this.columns = List.of();
        this.declared = declared;
        this.named = true;
    }

    /** The columns that a CustomResourceDefinition declares. */
    public static Columns declared(PrinterColumns columns) {
        return new Columns(columns);
    }

    public static Columns none() {
        return new Columns(List.of());
    }

    public Columns and(String name, String type, int priority, String description, Cell cell) {
        List<Column> all = new ArrayList<>(columns);
        all.add(new Column(name, type, "", description, priority, cell));
        return new Columns(all);
    }

    public Columns text(String name, Function<ObjectNode, String> value) {
        return text(name, 0, value);
    }

    public Columns text(String name, int priority, Function<ObjectNode, String> value) {
        return and(name, "string", priority, name + ".", (o, now) -> node(value.apply(o)));
    }

    public Columns count(String name, String description, Function<ObjectNode, Integer> value) {
        return and(
                name,
                "string",
                0,
                description,
                (o, now) -> Json.mapper().getNodeFactory().numberNode(value.apply(o)));
    }

    public Columns age() {
        return and("Age", "string", 0, CREATED_TEXT, Columns::age);
    }

    public Columns createdAt() {
        return and(
                "Created At", "date", 0, CREATED_TEXT, (o, now) -> node(Json.text(o, "metadata", "creationTimestamp")));
    }

    private static JsonNode node(String text) {
        return Json.mapper().getNodeFactory().textNode(text);
    }

    private static JsonNode age(ObjectNode o, Instant now) {
        return node(since(Json.text(o, "metadata", "creationTimestamp"), now));
    }

    /** Without the column of the name, for types that show it elsewhere. */
    public Columns unnamed() {
        return new Columns(columns, false);
    }

    /** How long ago a time was, as kubectl shows it. */
    public static String since(String time, Instant now) {
        if (time.isEmpty()) {
            return "<unknown>";
        }
        try {
            return human(Duration.between(Instant.parse(time), now));
        } catch (DateTimeParseException e) {
            return "<invalid>";
        }
    }

    /** A duration in at most two units (apimachinery: util/duration, HumanDuration). */
    public static String human(Duration d) {
        long s = d.toSeconds();
        if (s < -1) {
            return "<invalid>";
        }
        if (s < 0) {
            return "0s";
        }
        if (s < 120) {
            return s + "s";
        }
        long m = s / 60;
        if (m < 10) {
            return s % 60 == 0 ? m + "m" : m + "m" + s % 60 + "s";
        }
        if (m < 180) {
            return m + "m";
        }
        long h = m / 60;
        if (h < 8) {
            return m % 60 == 0 ? h + "h" : h + "h" + m % 60 + "m";
        }
        if (h < 48) {
            return h + "h";
        }
        if (h < 192) {
            return h % 24 == 0 ? h / 24 + "d" : h / 24 + "d" + h % 24 + "h";
        }
        long days = h / 24;
        if (days < 730) {
            return days + "d";
        }
        if (days < 2920) {
            return days % 365 == 0 ? days / 365 + "y" : days / 365 + "y" + days % 365 + "d";
        }
        return days / 365 + "y";
    }

    /** The column definitions of a Table. */
    public ArrayNode definitions() {
        if (declared != null) {
            return declared.definitions();
        }
        ArrayNode result = Json.array();
        if (named) {
            result.add(column("Name", "string", "name", NAME_TEXT, 0));
        }
        columns.forEach(c -> result.add(column(c.name, c.type, c.format, c.description, c.priority)));
        return result;
    }

    private static ObjectNode column(String name, String type, String format, String description, int priority) {
        return Json.object()
                .put("name", name)
                .put("type", type)
                .put("format", format)
                .put("description", description)
                .put("priority", priority);
    }

    /** The cells of an object's row. */
    public ArrayNode cells(ObjectNode object, Instant now) {
        if (declared != null) {
            return declared.cells(object, now);
        }
        ArrayNode result = Json.array();
        if (named) {
            result.add(Json.text(object, "metadata", "name"));
        }
        columns.forEach(c -> result.add(c.cell.of(object, now)));
        return result;
    }
}
