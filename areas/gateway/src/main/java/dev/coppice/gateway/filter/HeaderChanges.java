package dev.coppice.gateway.filter;

import java.util.List;

/**
 * Changes of headers, made in this order. Those of HTTP itself, such as Content-Length and Connection, cannot be changed, and of requests neither can Host and
 * Forwarded. Immutable.
 *
 * @param remove names of headers that go
 * @param set headers that stand in place of all of their name
 * @param add headers that are there, too
 */
public record HeaderChanges(List<String> remove, List<HeaderField> set, List<HeaderField> add) {
    private static final int MOST = 64;

    /** Nothing changes. */
    public static final HeaderChanges NONE = new HeaderChanges(List.of(), List.of(), List.of());

    /** @throws IllegalArgumentException when there are more than {@value #MOST} of a sort, or a name is none */
    public HeaderChanges {
        remove = List.copyOf(remove);
        set = List.copyOf(set);
        add = List.copyOf(add);
        if (Math.max(remove.size(), Math.max(set.size(), add.size())) > MOST) {
            throw new IllegalArgumentException("expected " + MOST + " changes of headers of each sort at most");
        }
        remove.forEach(each -> {
            if (!HeaderField.token(each)) {
                throw new IllegalArgumentException("\"" + each + "\" is not the name of a header");
            }
        });
    }

    /** Sets one header. */
    public static HeaderChanges set(String name, String value) {
        return new HeaderChanges(List.of(), List.of(new HeaderField(name, value)), List.of());
    }
}
