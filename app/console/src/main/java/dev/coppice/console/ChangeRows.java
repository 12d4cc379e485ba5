package dev.coppice.console;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ResourceClient.ResourceType;
import java.util.ArrayList;
import java.util.List;

/** Makes rows of changes for pages. */
final class ChangeRows {
    private static final int FIELDS_SHOWN = 3;
    private static final int LONGEST_VALUE = 600;
    private static final int MOST_LINES = 60;
    private static final int DEEPEST = 12;

    private ChangeRows() {}

    /** A line of a difference; {@code tone} is {@code bad} for what was and {@code ok} for what is. */
    record Line(String tone, String text) {}

    /** What set a change off: in words, with a page, and how deep in the chain it stands. */
    record CauseLine(int depth, String text, String href, String by) {}

    record ChangeRow(
            String time,
            String revision,
            String object,
            String objectHref,
            String historyHref,
            String user,
            String verb,
            String tone,
            String cause,
            String causeHref,
            String fields,
            List<Line> lines) {}

    static List<ChangeRow> of(JsonNode items) {
        List<ChangeRow> rows = new ArrayList<>();
        items.forEach(each -> rows.add(row(each)));
        return rows;
    }

    private static ChangeRow row(JsonNode change) {
        JsonNode object = change.path("object");
        ResourceType type = new ResourceType(text(object, "group"), text(object, "version"), text(object, "resource"));
        String namespace = text(object, "namespace");
        String name = text(object, "name");
        String operation = text(change, "operation");
        JsonNode because = change.path("because").path(0);
        return new ChangeRow(
                text(change, "time"),
                text(change, "resourceVersion"),
                text(object, "kind") + " " + (namespace.isEmpty() ? "" : namespace + "/") + name,
                ResourcePages.href(type, namespace, name),
                HistoryPages.href(type, namespace, name),
                text(change, "user"),
                operation + (text(change, "subresource").isEmpty() ? "" : " " + text(change, "subresource")),
                operation.equals("created") ? "ok" : operation.equals("deleted") ? "bad" : "",
                cause(change),
                because.has("resourceVersion") ? href(because) : "",
                operation.equals("updated") ? fields(change) : "",
                lines(change));
    }

    private static String href(JsonNode trigger) {
        // The version of a type is not told; pages of the history need none.
        return HistoryPages.href(
                new ResourceType(text(trigger, "group"), "-", text(trigger, "resource")),
                text(trigger, "namespace"),
                text(trigger, "name"));
    }

    private static String cause(JsonNode change) {
        List<String> causes = new ArrayList<>();
        change.path("because").forEach(each -> causes.add(trigger(each)));
        if (!causes.isEmpty()) {
            return String.join(", ", causes);
        }
        String agent = text(change, "userAgent").replaceFirst("[ (].*", "");
        return change.has("requestID") ? "request by " + (agent.isEmpty() ? "a client" : agent) : "by itself";
    }

    private static String trigger(JsonNode trigger) {
        return switch (text(trigger, "type")) {
            case "Change" ->
                "change of " + text(trigger, "resource") + " "
                        + (text(trigger, "namespace").isEmpty() ? "" : text(trigger, "namespace") + "/")
                        + text(trigger, "name");
            case "Timer" -> "timer of " + text(trigger, "owner");
            default -> text(trigger, "what");
        };
    }

    private static String fields(JsonNode change) {
        List<String> fields = new ArrayList<>();
        change.path("fields").forEach(each -> fields.add(each.asText()));
        String shown = String.join(", ", fields.subList(0, Math.min(FIELDS_SHOWN, fields.size())));
        return fields.size() > FIELDS_SHOWN ? shown + " and " + (fields.size() - FIELDS_SHOWN) + " more" : shown;
    }

    private static List<Line> lines(JsonNode change) {
        List<Line> lines = difference(change.path("diff"));
        if (change.has("incomplete")) {
            lines.add(new Line("", text(change, "incomplete")));
        }
        return lines;
    }

    static List<Line> difference(JsonNode fields) {
        List<Line> lines = new ArrayList<>();
        for (JsonNode field : fields) {
            if (lines.size() >= MOST_LINES) {
                lines.add(new Line("", "… more; see ./coppice history --diff"));
                break;
            }
            if (field.has("before")) {
                lines.add(new Line("bad", "- " + text(field, "field") + ": " + value(field.path("before"))));
            }
            if (field.has("after")) {
                lines.add(new Line("ok", "+ " + text(field, "field") + ": " + value(field.path("after"))));
            }
        }
        return lines;
    }

    private static String value(JsonNode value) {
        String text = value.toString();
        return text.length() > LONGEST_VALUE ? text.substring(0, LONGEST_VALUE) + "…" : text;
    }

    /** A change and what set it off, down to people and events. */
    static List<CauseLine> chain(JsonNode change) {
        List<CauseLine> lines = new ArrayList<>();
        if (change instanceof ObjectNode) {
            chain(change, 0, lines);
        }
        return lines;
    }

    private static void chain(JsonNode change, int depth, List<CauseLine> to) {
        ChangeRow row = row(change);
        boolean last = change.path("because").isEmpty();
        to.add(new CauseLine(
                depth,
                row.object() + " " + row.verb(),
                row.historyHref(),
                "by " + row.user() + (last ? ", " + row.cause() : "")));
        for (JsonNode each : change.path("because")) {
            if (each.has("change") && depth < DEEPEST) {
                chain(each.path("change"), depth + 1, to);
            } else {
                to.add(new CauseLine(depth + 1, trigger(each), "", text(each, "unknown")));
            }
        }
    }

    private static String text(JsonNode tree, String field) {
        return tree.path(field).asText("");
    }
}
