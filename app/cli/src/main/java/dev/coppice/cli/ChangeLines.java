package dev.coppice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** Changes of the history as lines for people. */
final class ChangeLines {
    private static final int FIELDS_SHOWN = 4;
    private static final int LONGEST_VALUE = 400;

    private ChangeLines() {}

    /** A table with a head; {@code objects} adds a column for the object. */
    static List<String> table(Iterable<JsonNode> changes, boolean objects) {
        List<List<String>> rows = new ArrayList<>();
        List<String> head = new ArrayList<>(List.of("REVISION", "WHEN"));
        if (objects) {
            head.add("OBJECT");
        }
        head.addAll(List.of("WHO", "VERB", "CAUSE", "CHANGED"));
        rows.add(head);
        for (JsonNode change : changes) {
            rows.add(row(change, objects));
        }
        return aligned(rows);
    }

    static List<String> aligned(List<List<String>> rows) {
        int columns = rows.getFirst().size();
        int[] widths = new int[columns];
        for (List<String> row : rows) {
            for (int i = 0; i < columns; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        }
        List<String> lines = new ArrayList<>();
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < columns; i++) {
                line.append(row.get(i));
                if (i < columns - 1) {
                    line.append(" ".repeat(widths[i] - row.get(i).length() + 3));
                }
            }
            lines.add(line.toString().stripTrailing());
        }
        return lines;
    }

    private static List<String> row(JsonNode change, boolean objects) {
        List<String> row = new ArrayList<>();
        row.add(text(change, "resourceVersion"));
        row.add(when(change));
        if (objects) {
            row.add(object(change));
        }
        row.add(text(change, "user"));
        row.add(verb(change));
        row.add(cause(change));
        row.add(changed(change));
        return row;
    }

    /** In UTC, to the second. */
    static String when(JsonNode change) {
        return text(change, "time").replaceFirst("\\.\\d+Z$", "Z");
    }

    /** Such as {@code configmap/app in default}. */
    static String object(JsonNode change) {
        JsonNode object = change.path("object");
        String namespace = text(object, "namespace");
        return text(object, "kind") + "/" + text(object, "name") + (namespace.isEmpty() ? "" : " in " + namespace);
    }

    /** What was asked for, and what happened where that says more. */
    static String verb(JsonNode change) {
        String verb = text(change, "verb");
        String operation = text(change, "operation");
        String part = text(change, "subresource");
        String asked = part.isEmpty() ? verb : verb + " " + part;
        return verb.startsWith(operation.substring(0, Math.min(6, operation.length()))) || operation.equals("updated")
                ? asked
                : asked + " (" + operation + ")";
    }

    /** What set it off: changes, timers, events, or the request itself. */
    static String cause(JsonNode change) {
        List<String> causes = new ArrayList<>();
        change.path("because").forEach(each -> causes.add(trigger(each)));
        if (!causes.isEmpty()) {
            return String.join(", ", causes);
        }
        String agent = text(change, "userAgent").replaceFirst("[ (].*", "");
        return change.has("requestID") ? "request by " + (agent.isEmpty() ? "a client" : agent) : "by itself";
    }

    static String trigger(JsonNode trigger) {
        return switch (text(trigger, "type")) {
            case "Change" ->
                text(trigger, "resource") + " "
                        + (text(trigger, "namespace").isEmpty() ? "" : text(trigger, "namespace") + "/")
                        + text(trigger, "name")
                        + (trigger.has("resourceVersion") ? "@" + text(trigger, "resourceVersion") : "");
            case "Timer" -> "timer of " + text(trigger, "owner") + " for " + text(trigger, "name");
            default -> text(trigger, "what");
        };
    }

    private static String changed(JsonNode change) {
        List<String> fields = new ArrayList<>();
        change.path("fields").forEach(each -> fields.add(each.asText()));
        if (!text(change, "operation").equals("updated")) {
            return "";
        }
        String shown = String.join(", ", fields.subList(0, Math.min(FIELDS_SHOWN, fields.size())));
        return fields.size() > FIELDS_SHOWN ? shown + ", …" : shown;
    }

    /** The fields with what they were and are. */
    static List<String> difference(JsonNode diff, String indent) {
        List<String> lines = new ArrayList<>();
        for (JsonNode field : diff) {
            String name = text(field, "field");
            if (field.has("before")) {
                lines.add(indent + "- " + name + ": " + value(field.path("before")));
            }
            if (field.has("after")) {
                lines.add(indent + "+ " + name + ": " + value(field.path("after")));
            }
        }
        return lines;
    }

    private static String value(JsonNode value) {
        String text = value.toString();
        return text.length() > LONGEST_VALUE
                ? text.substring(0, LONGEST_VALUE) + "… (" + text.length() + " characters)"
                : text;
    }

    static String text(JsonNode tree, String field) {
        return tree.path(field).asText("");
    }
}
