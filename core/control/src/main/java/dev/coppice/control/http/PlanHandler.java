package dev.coppice.control.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.audit.AuditedExchange;
import dev.coppice.control.engine.WriteOptions;
import dev.coppice.control.plan.Plans;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.schema.Cause;
import dev.coppice.serving.Exchange;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;

/**
 * Plans over HTTP. A POST of a {@code v1 List} gives a JSON line for each object as it is planned, then one with the sum. Whoever is
 * authenticated may ask; each object takes the rights to get and to apply it. Safe for use by many threads.
 */
final class PlanHandler {
    private static final int MOST_BYTES = 16 << 20;
    private static final int MOST_ERRORS = 50;

    private final Plans plans;

    PlanHandler(Plans plans) {
        this.plans = plans;
    }

    /** Answers a request below {@code /apis/plan.coppice.dev}; {@code rest} is what follows. */
    void handle(Exchange exchange, String agent, List<String> rest) throws IOException {
        if (!rest.equals(List.of("v1", "plans"))) {
            throw Statuses.noSuchPath();
        }
        if (!exchange.method().equals("POST")) {
            throw Statuses.methodNotAllowed();
        }
        Plans.Place place;
        WriteOptions options;
        try {
            options = options(exchange);
            place = plans.enter();
        } catch (ApiException e) {
            // Reads what comes, so that the client gets to see the answer.
            try (InputStream body = exchange.body()) {
                long unused = body.transferTo(OutputStream.nullOutputStream());
            }
            throw e;
        }
        try (Plans.Place _ = place) {
            List<ObjectNode> objects = objects(Bodies.json(Bodies.read(exchange, MOST_BYTES)));
            // Names only: what is planned may hold secrets.
            AuditedExchange.request(exchange, names(objects));
            exchange.status(200).setHeader("Content-Type", "application/json");
            try (OutputStream out = exchange.stream()) {
                out.flush();
                plans.plan(exchange.identity(), agent, objects, options, line -> {
                    out.write(Json.bytes(line));
                    out.write('\n');
                    out.flush();
                });
            }
        }
    }

    private static WriteOptions options(Exchange exchange) {
        if (exchange.identity().groups().contains("system:unauthenticated")) {
            throw Statuses.forbidden(Plans.GROUP, "plans", "", "sign in to ask for a plan");
        }
        WriteOptions asked = ResourceHandler.writeOptions(exchange, "PatchOptions", true);
        return new WriteOptions(true, asked.fieldManager(), asked.fieldValidation(), asked.force());
    }

    private static List<ObjectNode> objects(JsonNode body) {
        JsonNode items = body.path("items");
        if (!body.path("kind").asText().equals("List") || !items.isArray() || items.isEmpty()) {
            throw Statuses.badRequest("the body of a plan is no v1 List with items");
        }
        if (items.size() > Plans.MOST_OBJECTS) {
            throw Statuses.tooLarge("items: has " + items.size() + " objects; one plan may have " + Plans.MOST_OBJECTS
                    + ": plan them in parts");
        }
        List<ObjectNode> objects = new ArrayList<>();
        List<Cause> causes = new ArrayList<>();
        for (int i = 0; i < items.size() && causes.size() < MOST_ERRORS; i++) {
            String at = "items[" + i + "]";
            if (!(items.get(i) instanceof ObjectNode object)) {
                causes.add(Cause.invalidShown(at, Json.text(items.get(i)), "expected an object"));
                continue;
            }
            for (String field : List.of("apiVersion", "kind")) {
                if (!object.path(field).isTextual()
                        || object.path(field).asText().isBlank()) {
                    causes.add(Cause.required(at + "." + field, "names what the object is"));
                }
            }
            objects.add(object);
        }
        if (!causes.isEmpty()) {
            throw Statuses.invalid(Plans.GROUP, "Plan", "", causes);
        }
        return objects;
    }

    private static ObjectNode names(List<ObjectNode> objects) {
        ObjectNode list = Json.object().put("kind", "List").put("apiVersion", "v1");
        ArrayNode items = list.putArray("items");
        for (ObjectNode each : objects) {
            ObjectNode one = items.addObject()
                    .put("apiVersion", each.path("apiVersion").asText())
                    .put("kind", each.path("kind").asText());
            one.putObject("metadata")
                    .put("namespace", Json.text(each, "metadata", "namespace"))
                    .put("name", Json.text(each, "metadata", "name"));
        }
        return list;
    }
}
