package dev.coppice.console;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.coppice.console.ChangeRows.CauseLine;
import dev.coppice.console.ChangeRows.ChangeRow;
import dev.coppice.control.ApiException;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Handler;
import dev.coppice.serving.PageLayout;
import dev.coppice.serving.Rendering;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What changed: a timeline across the platform, and the history of an object with why it is as it is. Users see of the past what
 * they may see now.
 *
 * <p>Addresses: {@code history} and {@code history/GROUP/VERSION/PLURAL/NAMESPACE/NAME}, as in the resource browser, and below that
 * {@code undo}; the version does not matter.
 */
final class HistoryPages implements Handler {
    static final String PATH = "/console/history";
    private static final List<String> FILTERS = List.of("since", "resource", "namespace", "user");
    private static final int SHOWN = 100;

    private final ChangeSource changes;
    private final UndoPage undo;
    private final PageLayout layout;

    HistoryPages(ChangeSource changes, UndoPage undo, PageLayout layout) {
        this.changes = changes;
        this.undo = undo;
        this.layout = layout;
    }

    record TimelineView(
            String since,
            String resource,
            String namespace,
            String user,
            boolean status,
            String problem,
            String complete,
            List<ChangeRow> rows,
            String nextHref) {}

    record HistoryView(
            String kind,
            String namespace,
            String name,
            String objectHref,
            String undoHref,
            List<CauseLine> causes,
            List<ChangeRow> rows,
            String complete,
            String nextHref) {}

    static String href(ResourceType type, String namespace, String name) {
        return PATH + ResourcePages.href(type, namespace, name).substring(ResourcePages.PATH.length());
    }

    @Override
    public void handle(Exchange exchange) throws Exception {
        String[] parts = exchange.rawPath().length() > PATH.length()
                ? exchange.path().substring(PATH.length() + 1).split("/", -1)
                : new String[0];
        switch (parts.length) {
            case 0 -> timeline(exchange);
            case 5 -> object(exchange, parts);
            case 6 -> {
                if (parts[5].equals("undo")) {
                    undo(exchange, parts);
                } else {
                    missing(exchange);
                }
            }
            default -> missing(exchange);
        }
    }

    // --- all kinds

    private void timeline(Exchange exchange) throws Exception {
        Map<String, String> asked = new LinkedHashMap<>();
        FILTERS.forEach(name -> asked.put(name, exchange.query(name).orElse("").strip()));
        asked.compute("since", (_, since) -> since == null || since.isEmpty() ? "1h" : since);
        boolean status = exchange.query("status").isPresent();
        Map<String, String> query = new LinkedHashMap<>(asked);
        query.put("status", status ? "" : "false");
        query.put("limit", Integer.toString(SHOWN));
        query.put("continue", exchange.query("continue").orElse(""));
        String problem = "";
        JsonNode list = MissingNode.getInstance();
        try {
            list = changes.ask(exchange.identity(), "changes", query);
        } catch (ApiException e) {
            problem = String.valueOf(e.getMessage());
        }
        String next = list.path("metadata").path("continue").asText("");
        TimelineView view = new TimelineView(
                asked.getOrDefault("since", ""),
                asked.getOrDefault("resource", ""),
                asked.getOrDefault("namespace", ""),
                asked.getOrDefault("user", ""),
                status,
                problem,
                list.path("metadata").path("completeSince").asText(""),
                ChangeRows.of(list.path("items")),
                next.isEmpty() ? "" : PATH + "?" + parameters(asked, status) + "continue=" + encode(next));
        layout.send(exchange, "History", Rendering.html((out, none) -> JtetimelineGenerated.render(out, none, view)));
    }

    private static String parameters(Map<String, String> asked, boolean status) {
        StringBuilder text = new StringBuilder();
        asked.forEach((name, value) -> {
            if (!value.isEmpty()) {
                text.append(name).append('=').append(encode(value)).append('&');
            }
        });
        return status ? text.append("status=on&").toString() : text.toString();
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    // --- an object

    private void object(Exchange exchange, String[] parts) throws Exception {
        String group = parts[0].equals("core") ? "" : parts[0];
        String namespace = parts[3].equals("-") ? "" : parts[3];
        Map<String, String> query = new LinkedHashMap<>();
        query.put("resource", group.isEmpty() ? parts[2] : parts[2] + "." + group);
        query.put("namespace", namespace);
        query.put("name", parts[4]);
        Map<String, String> page = new LinkedHashMap<>(query);
        page.put("limit", Integer.toString(SHOWN));
        page.put("continue", exchange.query("continue").orElse(""));
        try {
            JsonNode list = changes.ask(exchange.identity(), "changes", page);
            JsonNode causes = list.path("items").isEmpty()
                    ? list.path("none")
                    : changes.ask(exchange.identity(), "causes", query).path("change");
            String next = list.path("metadata").path("continue").asText("");
            JsonNode first = list.path("items").path(0).path("object");
            ResourceType type = new ResourceType(group, first.path("version").asText(parts[1]), parts[2]);
            HistoryView view = new HistoryView(
                    first.path("kind").asText(parts[2]),
                    namespace,
                    parts[4],
                    ResourcePages.href(type, namespace, parts[4]),
                    href(type, namespace, parts[4]) + "/undo",
                    ChangeRows.chain(causes),
                    ChangeRows.of(list.path("items")),
                    list.path("metadata").path("completeSince").asText(""),
                    next.isEmpty() ? "" : href(type, namespace, parts[4]) + "?continue=" + encode(next));
            layout.send(
                    exchange,
                    "History of " + parts[4],
                    Rendering.html((out, none) -> JtehistoryGenerated.render(out, none, view)));
        } catch (ApiException e) {
            refuse(exchange, e.code(), e.code() == 403 ? "Not for you" : e.reason(), String.valueOf(e.getMessage()));
        }
    }

    private void undo(Exchange exchange, String[] parts) throws Exception {
        String group = parts[0].equals("core") ? "" : parts[0];
        ResourceType type = new ResourceType(group, parts[1], parts[2]);
        try {
            undo.handle(exchange, new UndoPage.Subject(type, parts[3].equals("-") ? "" : parts[3], parts[4]));
        } catch (ApiException e) {
            refuse(exchange, e.code(), e.code() == 403 ? "Not for you" : e.reason(), String.valueOf(e.getMessage()));
        }
    }

    private void missing(Exchange exchange) throws Exception {
        refuse(exchange, 404, "Not found", "There is no such page of the history.");
    }

    private void refuse(Exchange exchange, int status, String heading, String text) throws Exception {
        exchange.status(status);
        layout.send(
                exchange, heading, Rendering.html((out, none) -> JterefusedGenerated.render(out, none, heading, text)));
    }
}
