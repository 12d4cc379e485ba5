package dev.coppice.health.check;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import dev.coppice.health.check.Observation.Health;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Writes machines as JSON and reads them back. */
final class MachineCodec {
    private static final ObjectMapper JSON = new ObjectMapper();

    private MachineCodec() {}

    static byte[] write(Machine machine) {
        ObjectNode node = JSON.createObjectNode();
        node.put("state", machine.state().word());
        node.put("reason", machine.state().reason());
        if (machine.state() instanceof State.Suppressed suppressed) {
            var parents = node.putArray("parents");
            suppressed.failedParents().forEach(p -> parents.add(p.namespace() + "/" + p.name()));
        }
        node.put("since", machine.since().toString());
        node.put("observed", machine.observed().name());
        node.put("lastError", machine.lastError());
        node.put("failures", machine.failures());
        node.put("successes", machine.successes());
        node.put("flapping", machine.flapping());
        var changes = node.putArray("changes");
        machine.changes().forEach(at -> changes.add(at.toString()));
        try {
            return JSON.writeValueAsBytes(node);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a JSON tree can be written", e);
        }
    }

    /** Empty when it cannot be read: the check then starts as Unknown. */
    static Optional<Machine> read(byte[] bytes) {
        try {
            JsonNode node = JSON.readTree(bytes);
            List<Instant> changes = new ArrayList<>();
            node.path("changes").forEach(at -> changes.add(Instant.parse(at.asText())));
            return Optional.of(new Machine(
                    state(node),
                    Instant.parse(node.path("since").asText()),
                    Health.valueOf(node.path("observed").asText()),
                    node.path("lastError").asText(""),
                    node.path("failures").asInt(),
                    node.path("successes").asInt(),
                    node.path("flapping").asBoolean(),
                    changes));
        } catch (IOException | DateTimeException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static State state(JsonNode node) {
        String reason = node.path("reason").asText("");
        return switch (node.path("state").asText()) {
            case "Up" -> new State.Up();
            case "Degraded" -> new State.Degraded(reason);
            case "Down" -> new State.Down(reason);
            case "Maintenance" -> new State.Maintenance(reason);
            case "Paused" -> new State.Paused();
            case "Suppressed" -> {
                List<Key> parents = new ArrayList<>();
                node.path("parents").forEach(p -> {
                    String[] parts = p.asText().split("/", 2);
                    parents.add(new Key(parts[0], parts.length > 1 ? parts[1] : ""));
                });
                yield new State.Suppressed(parents);
            }
            default -> new State.Unknown();
        };
    }
}
