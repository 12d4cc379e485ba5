package dev.coppice.control.resource;

import java.util.List;

/**
 * A part of a resource with a path of its own.
 *
 * @param name such as {@code status}
 * @param group the API group of what it serves, where that differs; empty otherwise
 * @param version the version of what it serves, where that differs; empty otherwise
 * @param kind the kind of what it serves
 */
public record Subresource(String name, String group, String version, String kind, List<String> verbs) {
    private static final List<String> CHANGEABLE = List.of("get", "patch", "update");

    public static Subresource status(String kind) {
        return new Subresource("status", "", "", kind, CHANGEABLE);
    }

    public static Subresource scale() {
        return new Subresource("scale", "autoscaling", "v1", "Scale", CHANGEABLE);
    }
}
