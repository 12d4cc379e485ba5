package dev.coppice.gateway.cache;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** Leaves parameters out of queries that do not tell one answer from another. Immutable. */
public final class QueryFilter {
    private final Set<String> names;
    private final List<String> beginnings;

    /** @param ignored names, as they are written in queries; with {@code *} at the end all that begin so */
    public QueryFilter(List<String> ignored) {
        names = ignored.stream().filter(each -> !each.endsWith("*")).collect(Collectors.toUnmodifiableSet());
        beginnings = ignored.stream()
                .filter(each -> each.endsWith("*"))
                .map(each -> each.substring(0, each.length() - 1))
                .toList();
    }

    /** A path with its query without what is ignored. The order stays: some servers look at it. */
    public String apply(String target) {
        int mark = target.indexOf('?');
        if (mark < 0 || names.isEmpty() && beginnings.isEmpty()) {
            return target;
        }
        StringBuilder kept = new StringBuilder(target.length()).append(target, 0, mark);
        char before = '?';
        for (int at = mark + 1; at <= target.length(); ) {
            int end = target.indexOf('&', at);
            int to = end < 0 ? target.length() : end;
            if (!ignored(target, at, to)) {
                kept.append(before).append(target, at, to);
                before = '&';
            }
            at = to + 1;
        }
        return kept.toString();
    }

    private boolean ignored(String target, int from, int to) {
        int semicolon = target.indexOf(';', from);
        if (semicolon >= 0 && semicolon < to) {
            // Some servers end a parameter there, and see another one behind it.
            return false;
        }
        int equals = target.indexOf('=', from);
        String name = target.substring(from, equals < 0 || equals > to ? to : equals);
        return names.contains(name) || beginnings.stream().anyMatch(name::startsWith);
    }
}
