package dev.coppice.control.runtime;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Kind;

/** A kind for tests. */
final class Widgets {
    private Widgets() {}

    record Spec(String color, int size) {}

    record Status(int reconciled, String color) {}

    static final Kind<Spec, Status> KIND =
            Kind.namespaced("test.dev", "v1", "Widget", Spec.class, Status.class, "A widget.");

    static final ObjectMapper JSON =
            new ObjectMapper().configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false);

    static ObjectNode widget(String name, String color) {
        ObjectNode widget = JSON.createObjectNode();
        widget.put("apiVersion", "test.dev/v1").put("kind", "Widget");
        widget.putObject("metadata").put("namespace", "ns").put("name", name);
        widget.putObject("spec").put("color", color).put("size", 1);
        return widget;
    }
}
