package dev.coppice.control.request;

import java.util.List;

/**
 * A path of the API, taken apart.
 *
 * @param group empty for the core group
 * @param resource the plural
 * @param namespace empty for cluster scope and all namespaces
 * @param name empty for a collection
 * @param subresource what follows the name, joined by slashes
 * @param watch the old watch path
 */
public record RequestPath(
        String group,
        String version,
        String namespace,
        String resource,
        String name,
        String subresource,
        boolean watch) {

    /** Takes apart the segments after {@code /api/v1} or {@code /apis/GROUP/VERSION}; there is at least one. */
    public static RequestPath of(String group, String version, List<String> rest) {
        boolean watch = rest.getFirst().equals("watch") && rest.size() > 1;
        List<String> parts = watch ? rest.subList(1, rest.size()) : rest;
        String namespace = "";
        if (parts.getFirst().equals("namespaces") && parts.size() > 1) {
            boolean itself = parts.size() == 2
                    || parts.size() == 3
                            && (parts.get(2).equals("status") || parts.get(2).equals("finalize"));
            if (!itself) {
                namespace = parts.get(1);
                parts = parts.subList(2, parts.size());
            } else if (group.isEmpty()) {
                namespace = parts.get(1);
            }
        }
        String name = parts.size() > 1 ? parts.get(1) : "";
        String sub = parts.size() > 2 ? String.join("/", parts.subList(2, parts.size())) : "";
        return new RequestPath(group, version, namespace, parts.getFirst(), name, sub, watch);
    }

    /** The verb of a method on this path. */
    public String verb(String method, boolean watching) {
        return switch (method) {
            case "GET", "HEAD" -> name.isEmpty() ? watching || watch ? "watch" : "list" : watch ? "watch" : "get";
            case "POST" -> "create";
            case "PUT" -> "update";
            case "PATCH" -> "patch";
            case "DELETE" -> name.isEmpty() ? "deletecollection" : "delete";
            default -> method.toLowerCase(java.util.Locale.ROOT);
        };
    }
}
