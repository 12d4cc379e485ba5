package dev.coppice.control.process;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.ComputedSource;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.kernel.Inspector;
import dev.coppice.kernel.Trace;
import dev.coppice.schema.GoDuration;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;

/**
 * {@code processes/NAME/trace}: POST starts a trace, GET reads it, DELETE stops it, and what it found can still be read. The
 * body of POST may say {@code spec: {duration: 60s, entries: 200, text: false}}. Rights are asked for on
 * {@code processes/trace}.
 */
final class TracePart {
    private static final Set<String> FIELDS = Set.of("duration", "entries", "text");

    private final Inspector inspector;

    TracePart(Inspector inspector) {
        this.inspector = inspector;
    }

    ComputedSource.Part part() {
        return new ComputedSource.Part(
                "trace",
                "ProcessTrace",
                List.of("create", "delete", "get"),
                (verb, namespace, name, body) -> run(verb, name, body));
    }

    private ObjectNode run(String verb, String name, ObjectNode body) {
        String path = ProcessNames.path(name)
                .filter(p -> inspector.vitals(p).isPresent())
                .orElseThrow(() -> Statuses.notFound(ProcessSource.GROUP, "processes", name));
        return switch (verb) {
            case "create" -> start(path, name, body);
            case "delete" -> {
                boolean stopped = inspector.stopTrace(path);
                if (!stopped) {
                    throw none(path);
                }
                yield answer(name, inspector.trace(path).orElseThrow(() -> none(path)));
            }
            default -> answer(name, inspector.trace(path).orElseThrow(() -> none(path)));
        };
    }

    private ObjectNode start(String path, String name, ObjectNode body) {
        try {
            return answer(name, inspector.trace(path, options(body.path("spec"))));
        } catch (NoSuchElementException e) {
            throw Statuses.notFound(ProcessSource.GROUP, "processes", name);
        } catch (IllegalArgumentException e) {
            throw Statuses.badRequest(String.valueOf(e.getMessage()));
        } catch (IllegalStateException e) {
            throw Statuses.conflict(ProcessSource.GROUP, "processes", name, String.valueOf(e.getMessage()));
        }
    }

    private static Trace.Options options(JsonNode spec) {
        spec.fieldNames().forEachRemaining(field -> {
            if (!FIELDS.contains(field)) {
                throw new IllegalArgumentException("spec." + field + ": unknown: give duration, entries or text");
            }
        });
        Duration duration = Trace.Options.DEFAULT.duration();
        if (spec.has("duration")) {
            duration = GoDuration.parse(spec.path("duration").asText());
            if (duration == null) {
                throw new IllegalArgumentException(
                        "spec.duration: " + spec.path("duration") + " is no duration: write it like 30s or 5m");
            }
        }
        JsonNode entries = spec.path("entries");
        if (!entries.isMissingNode() && !entries.isInt()) {
            throw new IllegalArgumentException(
                    "spec.entries: " + entries + " is no number: give one from 1 to " + Trace.MAX_ENTRIES);
        }
        JsonNode text = spec.path("text");
        if (!text.isMissingNode() && !text.isBoolean()) {
            throw new IllegalArgumentException("spec.text: " + text + " is neither true nor false");
        }
        return new Trace.Options(duration, entries.asInt(Trace.Options.DEFAULT.entries()), text.asBoolean(false));
    }

    private static ApiException none(String path) {
        return Statuses.of(404, "NotFound", path + " is not traced: start a trace with a POST to this address");
    }

    private static ObjectNode answer(String name, Trace trace) {
        ObjectNode answer = Json.object().put("kind", "ProcessTrace").put("apiVersion", ProcessSource.GROUP + "/v1");
        answer.putObject("metadata").put("name", name);
        answer.putObject("spec")
                .put("duration", GoDuration.format(trace.options().duration()))
                .put("entries", trace.options().entries())
                .put("text", trace.options().text());
        ObjectNode status = answer.putObject("status");
        status.put("path", trace.path()).put("since", trace.since().toString());
        Instant ended = trace.ended();
        status.put("running", ended == null);
        if (ended != null) {
            status.put("ended", ended.toString());
        }
        status.put("handled", trace.count());
        ArrayNode entries = status.putArray("entries");
        for (Trace.Entry entry : trace.entries()) {
            ObjectNode each = entries.addObject()
                    .put("number", entry.number())
                    .put("at", entry.at().toString())
                    .put("message", entry.message());
            Duration waited = entry.waited();
            if (waited != null) {
                each.put("waited", GoDuration.format(waited));
            }
            each.put("took", GoDuration.format(entry.took()));
            if (entry.failure() != null) {
                each.put("failure", entry.failure());
            }
        }
        return answer;
    }
}
