package dev.coppice.console;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.console.ResourcePages.Cell;
import dev.coppice.console.ResourcePages.ListView;
import dev.coppice.console.ResourcePages.Row;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.Query;
import dev.coppice.control.ResourceClient.ServedType;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The objects of a kind as the table that kubectl shows, with links and colours for states. */
record ObjectTable(ResourceClient resources, ServedType served, String namespace, List<String> namespaces) {
    private static final int MAX_ROWS = 2_000;

    ListView view() {
        ObjectNode table = resources.table(served.type(), Query.namespace(namespace));
        boolean withNamespace = served.namespaced() && namespace.isEmpty();
        List<String> columns = new ArrayList<>();
        List<Integer> shown = new ArrayList<>();
        int index = 0;
        for (JsonNode column : table.path("columnDefinitions")) {
            if (column.path("priority").asInt(0) == 0) {
                shown.add(index);
                columns.add(column.path("name").asText());
            }
            index++;
        }
        JsonNode all = table.path("rows");
        List<Row> rows = new ArrayList<>();
        for (JsonNode row : all) {
            if (rows.size() == MAX_ROWS) {
                break;
            }
            rows.add(row(row, columns, shown, withNamespace));
        }
        if (withNamespace) {
            columns.addFirst("Namespace");
        }
        String group = served.type().group();
        return new ListView(
                served.kind(),
                group.isEmpty() ? "core" : group,
                served.type().apiVersion(),
                served.namespaced(),
                namespace,
                namespaces,
                ResourcePages.href(served.type())
                        + (namespace.isEmpty()
                                ? ""
                                : "?namespace=" + URLEncoder.encode(namespace, StandardCharsets.UTF_8)),
                columns,
                rows,
                all.size() - rows.size());
    }

    private Row row(JsonNode row, List<String> columns, List<Integer> shown, boolean withNamespace) {
        JsonNode metadata = row.path("object").path("metadata");
        String objectNamespace = metadata.path("namespace").asText("");
        List<Cell> cells = new ArrayList<>();
        if (withNamespace) {
            cells.add(new Cell(objectNamespace, "", ""));
        }
        for (int i = 0; i < shown.size(); i++) {
            JsonNode value = row.path("cells").path(shown.get(i));
            String text = value.isMissingNode() || value.isNull()
                    ? ""
                    : value.isContainerNode() ? value.toString() : value.asText();
            boolean first = i == 0;
            String href = first
                    ? ResourcePages.href(
                            served.type(),
                            objectNamespace,
                            metadata.path("name").asText(text))
                    : "";
            cells.add(new Cell(text, href, first ? "" : tone(columns.get(i), text)));
        }
        return new Row(cells);
    }

    /** A colour for the values of columns that tell a state; empty for all others. */
    static String tone(String column, String text) {
        String name = column.toLowerCase(Locale.ROOT);
        boolean state = ResourcePages.oneOf(
                name, "status", "state", "phase", "ready", "health", "healthy", "established", "condition", "type");
        if (!state || text.isEmpty()) {
            return "";
        }
        if (ResourcePages.oneOf(
                text,
                "ready",
                "running",
                "active",
                "true",
                "up",
                "bound",
                "succeeded",
                "healthy",
                "ok",
                "passing",
                "complete",
                "available")) {
            return "ok";
        }
        if (ResourcePages.oneOf(
                text,
                "failed",
                "error",
                "down",
                "false",
                "failing",
                "unhealthy",
                "crashloopbackoff",
                "lost",
                "notready")) {
            return "bad";
        }
        if (ResourcePages.oneOf(
                text,
                "pending",
                "unknown",
                "suppressed",
                "degraded",
                "flapping",
                "terminating",
                "warning",
                "maintenance",
                "paused")) {
            return "warn";
        }
        return name.equals("type") ? "" : "info";
    }
}
