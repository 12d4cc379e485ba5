package dev.coppice.console;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.console.ChangeRows.ChangeRow;
import dev.coppice.console.ChangeRows.Line;
import dev.coppice.control.Authorizer;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Form;
import dev.coppice.serving.PageLayout;
import dev.coppice.serving.RelayedRequest;
import dev.coppice.serving.Rendering;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Takes back changes of an object, as {@code coppice undo} does: first it shows what that would do, and a second look of the user at it
 * makes the request, as the user. What was looked at is what is done: when the object changed in between, it is shown anew. Throws
 * ApiException for what cannot be shown.
 */
final class UndoPage {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String AGENT = "coppice-undo";

    private final ChangeSource changes;
    private final ApiRequests requests;
    private final Authorizer authorizer;
    private final PageLayout layout;

    UndoPage(ChangeSource changes, ApiRequests requests, Authorizer authorizer, PageLayout layout) {
        this.changes = changes;
        this.requests = requests;
        this.authorizer = authorizer;
        this.layout = layout;
    }

    /** Of what changes are taken back. */
    record Subject(ResourceType type, String namespace, String name) {
        String historyHref() {
            return HistoryPages.href(type, namespace, name);
        }

        String qualified() {
            return type.group().isEmpty() ? type.plural() : type.plural() + "." + type.group();
        }
    }

    /**
     * What is shown.
     *
     * @param change the one change that is taken back; empty for the newest
     * @param action what would be done; {@code nothing} when there is nothing to do
     * @param refusal why the user may not; empty when they may
     * @param seen tells this plan from a later one
     */
    record UndoView(
            Subject subject,
            String change,
            String action,
            List<Line> lines,
            List<ChangeRow> undone,
            List<ChangeRow> conflicts,
            String problem,
            String refusal,
            String seen) {}

    void handle(Exchange exchange, Subject subject) throws Exception {
        switch (exchange.method()) {
            case "GET", "HEAD" -> {
                String change = exchange.query("change").orElse("");
                show(exchange, 200, subject, change, plan(exchange, subject, change), "");
            }
            case "POST" -> undo(exchange, subject);
            default ->
                exchange.status(405)
                        .setHeader("Allow", "GET, POST")
                        .send("text/plain; charset=utf-8", "use GET or POST\n");
        }
    }

    private JsonNode plan(Exchange exchange, Subject subject, String change) {
        Map<String, String> query = new LinkedHashMap<>();
        query.put("resource", subject.qualified());
        query.put("namespace", subject.namespace());
        query.put("name", subject.name());
        query.put("change", change);
        return changes.ask(exchange.identity(), "undo", query);
    }

    private void undo(Exchange exchange, Subject subject) throws Exception {
        Form form = Form.read(exchange);
        String change = form.value("change").orElse("");
        JsonNode plan = plan(exchange, subject, change);
        String problem;
        int status = 409;
        if (!form.value("seen").orElse("").equals(seen(plan))) {
            problem = "It has changed since you looked. This is what undoing would do now.";
        } else if (!plan.path("conflicts").isEmpty() && form.value("force").isEmpty()) {
            problem = "Changes of others, listed below, would be lost.";
        } else {
            RelayedRequest.Answer answer = requests.send(request(exchange, plan), exchange.identity());
            if (answer.status() < 300) {
                exchange.status(303)
                        .setHeader("Location", subject.historyHref())
                        .sendEmpty();
                return;
            }
            status = answer.status();
            problem = message(answer);
        }
        show(exchange, status, subject, change, plan, problem);
    }

    /** What is there now has to be what the plan was made of: the request names its version. */
    private static RelayedRequest request(Exchange exchange, JsonNode plan) {
        String collection = text(plan, "collection");
        String one = collection + "/" + text(plan, "name");
        String manager = "?fieldManager=" + AGENT;
        JsonNode object = plan.path("object");
        return switch (text(plan, "action")) {
            case "create" -> request(exchange, "POST", collection + manager, object);
            case "update" -> request(exchange, "PUT", one + manager, object);
            default -> {
                ObjectNode options = JSON.createObjectNode();
                options.put("kind", "DeleteOptions").put("apiVersion", "v1");
                options.putObject("preconditions")
                        .put("uid", text(object.path("metadata"), "uid"))
                        .put("resourceVersion", text(object.path("metadata"), "resourceVersion"));
                yield request(exchange, "DELETE", one, options);
            }
        };
    }

    private static RelayedRequest request(Exchange exchange, String method, String target, JsonNode body) {
        return new RelayedRequest(
                method,
                target,
                Map.of(
                        "content-type", List.of("application/json"),
                        "accept", List.of("application/json"),
                        "user-agent", List.of(AGENT)),
                body.toString().getBytes(StandardCharsets.UTF_8),
                exchange.remoteAddress());
    }

    private static String message(RelayedRequest.Answer answer) {
        try {
            String message = text(JSON.readTree(answer.body()), "message");
            return message.isEmpty() ? "The API answered with status " + answer.status() + "." : message;
        } catch (IOException e) {
            return "The API answered with status " + answer.status() + ".";
        }
    }

    private void show(Exchange exchange, int status, Subject subject, String change, JsonNode plan, String problem)
            throws Exception {
        UndoView view = new UndoView(
                subject,
                change,
                text(plan, "action"),
                ChangeRows.difference(plan.path("diff")),
                ChangeRows.of(plan.path("undone")),
                ChangeRows.of(plan.path("conflicts")),
                problem,
                refusal(exchange, subject, text(plan, "action")),
                seen(plan));
        exchange.status(status);
        layout.send(
                exchange,
                "Undo " + subject.name(),
                Rendering.html((out, none) -> JteundoGenerated.render(out, none, view)));
    }

    private String refusal(Exchange exchange, Subject subject, String action) {
        ResourceType type = subject.type();
        boolean may = action.equals("nothing")
                || authorizer
                        .authorize(
                                exchange.identity(),
                                new Authorizer.Action(
                                        action, type.group(), type.plural(), subject.namespace(), subject.name()))
                        .allowed();
        return may ? "" : "You may not do this: it takes the verb " + action + " on " + subject.qualified() + ".";
    }

    private static String seen(JsonNode plan) {
        StringBuilder text = new StringBuilder(text(plan, "action"))
                .append(' ')
                .append(text(plan.path("object").path("metadata"), "resourceVersion"));
        for (String part : List.of("undone", "conflicts")) {
            text.append(' ').append(part);
            for (JsonNode each : plan.path(part)) {
                text.append(' ').append(text(each, "resourceVersion"));
            }
        }
        return text.toString();
    }

    private static String text(@Nullable JsonNode tree, String field) {
        return tree == null ? "" : tree.path(field).asText("");
    }
}
