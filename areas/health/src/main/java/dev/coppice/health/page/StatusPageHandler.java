package dev.coppice.health.page;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Handler;
import java.io.IOException;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;

/**
 * Serves public status pages: {@code /status/NAMESPACE/NAME} as HTML, the same with {@code .json}, and badges at
 * {@code /badge/NAMESPACE/NAME.svg} for a whole page and {@code /badge/NAMESPACE/NAME/CHECK.svg} for a check on it.
 */
public final class StatusPageHandler implements Handler {
    private final StatusModels models;

    public StatusPageHandler(StatusModels models) {
        this.models = models;
    }

    @Override
    public void handle(Exchange exchange) throws Exception {
        if (!exchange.method().equals("GET") && !exchange.method().equals("HEAD")) {
            exchange.status(405).setHeader("Allow", "GET, HEAD").send("text/plain; charset=utf-8", "use GET\n");
            return;
        }
        exchange.setHeader("Cache-Control", "public, max-age=5").setHeader("X-Content-Type-Options", "nosniff");
        String[] parts = exchange.path().split("/", -1);
        if (parts.length == 4 && parts[1].equals("status")) {
            page(exchange, parts[2], parts[3]);
        } else if ((parts.length == 4 || parts.length == 5) && parts[1].equals("badge")) {
            badge(exchange, parts);
        } else {
            missing(exchange);
        }
    }

    private void page(Exchange exchange, String namespace, String file) throws IOException {
        Optional<StatusModel> exact = models.model(new Key(namespace, file));
        if (exact.isPresent()) {
            exchange.setHeader(
                    "Content-Security-Policy",
                    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors *");
            exchange.send("text/html; charset=utf-8", Templates.statusPage(exact.get()));
            return;
        }
        Optional<StatusModel> json = file.endsWith(".json")
                ? models.model(new Key(namespace, file.substring(0, file.length() - 5)))
                : Optional.empty();
        if (json.isEmpty()) {
            missing(exchange);
        } else {
            exchange.setHeader("Access-Control-Allow-Origin", "*");
            exchange.send("application/json", json(json.get()).toString());
        }
    }

    private void badge(Exchange exchange, String[] parts) throws IOException {
        String last = parts[parts.length - 1];
        if (!last.endsWith(".svg")) {
            missing(exchange);
            return;
        }
        last = last.substring(0, last.length() - 4);
        boolean whole = parts.length == 4;
        Optional<StatusModel> model = models.model(new Key(parts[2], whole ? last : parts[3]));
        if (model.isEmpty()) {
            missing(exchange);
            return;
        }
        String label = model.get().title();
        String state = model.get().state();
        if (!whole) {
            String name = last;
            Optional<StatusModel.Component> component = model.get().groups().stream()
                    .flatMap(g -> g.components().stream())
                    .filter(c -> c.name().equals(name))
                    .findFirst();
            if (component.isEmpty()) {
                missing(exchange);
                return;
            }
            label = component.get().title();
            state = component.get().state();
        }
        exchange.send(
                "image/svg+xml; charset=utf-8",
                Badge.svg(label, state.toLowerCase(Locale.ROOT), StatusModel.level(state)));
    }

    private static void missing(Exchange exchange) throws IOException {
        exchange.status(404).send("text/plain; charset=utf-8", "there is no such page\n");
    }

    static ObjectNode json(StatusModel model) {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        root.put("title", model.title());
        root.put("description", model.description());
        root.put("state", model.state());
        root.put("headline", model.headline());
        root.put("at", model.at().toString());
        ArrayNode groups = root.putArray("groups");
        for (StatusModel.Group group : model.groups()) {
            ObjectNode node = groups.addObject();
            node.put("name", group.name());
            ArrayNode components = node.putArray("components");
            for (StatusModel.Component c : group.components()) {
                ObjectNode component = components.addObject();
                component.put("name", c.name());
                component.put("title", c.title());
                component.put("state", c.state());
                component.put("since", c.since().toString());
                put(component, "uptime", c.uptime());
                put(component, "latency", c.latency());
                ArrayNode days = component.putArray("days");
                c.bars().forEach(bar -> {
                    ObjectNode day = days.addObject();
                    day.put("date", bar.date());
                    put(day, "uptime", bar.uptime());
                });
            }
        }
        ArrayNode incidents = root.putArray("incidents");
        for (StatusModel.Incident i : model.incidents()) {
            ObjectNode node = incidents.addObject();
            node.put("title", i.title());
            node.put("type", i.type());
            node.put("start", i.start().toString());
            Instant end = i.end();
            if (end != null) {
                node.put("end", end.toString());
            }
            ArrayNode components = node.putArray("components");
            i.components().forEach(components::add);
            ArrayNode updates = node.putArray("updates");
            i.updates().forEach(u -> {
                ObjectNode update = updates.addObject();
                update.put("time", u.time().toString());
                put(update, "status", u.status());
                update.put("message", u.message());
            });
        }
        return root;
    }

    private static void put(ObjectNode node, String name, String value) {
        if (!value.isEmpty()) {
            node.put(name, value);
        }
    }
}
