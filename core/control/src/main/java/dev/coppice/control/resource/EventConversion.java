package dev.coppice.control.resource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** Turns core/v1 Events, as they are stored, into events.k8s.io/v1 Events and back: the same fields under other names. */
final class EventConversion {
    private static final String[][] NAMES = {
        {"involvedObject", "regarding"},
        {"message", "note"},
        {"source", "deprecatedSource"},
        {"firstTimestamp", "deprecatedFirstTimestamp"},
        {"lastTimestamp", "deprecatedLastTimestamp"},
        {"count", "deprecatedCount"},
        {"reportingComponent", "reportingController"}
    };

    private EventConversion() {}

    static ObjectNode fromCore(ObjectNode event) {
        event.put("apiVersion", "events.k8s.io/v1");
        for (String[] pair : NAMES) {
            rename(event, pair[0], pair[1]);
        }
        return event;
    }

    static ObjectNode toCore(ObjectNode event) {
        event.put("apiVersion", "v1");
        for (String[] pair : NAMES) {
            rename(event, pair[1], pair[0]);
        }
        return event;
    }

    private static void rename(ObjectNode event, String from, String to) {
        JsonNode value = event.remove(from);
        if (value != null) {
            event.set(to, value);
        }
    }
}
