package dev.coppice.control.request;

import dev.coppice.control.request.Selectors.FieldSelector;
import dev.coppice.control.request.Selectors.LabelSelector;
import dev.coppice.schema.Cause;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How to list or watch, as the query says.
 *
 * @param resourceVersion empty, 0 or a number
 * @param match NotOlderThan, Exact or empty
 * @param limit 0 for no limit
 * @param sendInitialEvents empty when it is not given
 * @param timeoutSeconds 0 for the default
 */
public record ListOptions(
        LabelSelector labels,
        FieldSelector fields,
        boolean watch,
        boolean bookmarks,
        String resourceVersion,
        String match,
        long limit,
        String continueToken,
        Optional<Boolean> sendInitialEvents,
        long timeoutSeconds) {

    /** Reads and checks the query. */
    public static ListOptions of(Map<String, List<String>> query, boolean watchPath) {
        boolean watch = watchPath || flag(first(query, "watch"));
        Optional<Boolean> initial = first(query, "sendInitialEvents").isEmpty()
                ? Optional.empty()
                : Optional.of(flag(first(query, "sendInitialEvents")));
        long limit = number(first(query, "limit"));
        long timeout = number(first(query, "timeoutSeconds"));
        ListOptions options = new ListOptions(
                Selectors.labels(first(query, "labelSelector")),
                Selectors.fields(first(query, "fieldSelector")),
                watch,
                flag(first(query, "allowWatchBookmarks")),
                first(query, "resourceVersion"),
                first(query, "resourceVersionMatch"),
                Math.max(0, limit),
                first(query, "continue"),
                initial,
                timeout);
        options.check();
        return options;
    }

    private static String first(Map<String, List<String>> query, String name) {
        List<String> values = query.get(name);
        return values == null || values.isEmpty() ? "" : values.getFirst();
    }

    static boolean flag(String value) {
        return !value.isEmpty() && !value.equals("0") && !value.equalsIgnoreCase("false");
    }

    private static long number(String value) {
        if (value.isEmpty()) {
            return 0;
        }
        try {
            return Long.parseLong(value);
        } catch (NumberFormatException e) {
            throw Statuses.badRequest("strconv.ParseInt: parsing " + Statuses.quote(value) + ": invalid syntax");
        }
    }

    private void check() {
        List<Cause> causes = new ArrayList<>();
        String at = "resourceVersionMatch";
        if (watch) {
            if (sendInitialEvents.isPresent()) {
                if (!match.equals("NotOlderThan")) {
                    causes.add(Cause.forbidden(
                            at, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
                }
            } else if (!match.isEmpty()) {
                causes.add(Cause.forbidden(
                        at, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"));
            }
        } else {
            if (!match.isEmpty()) {
                checkMatch(causes, at);
            }
            if (sendInitialEvents.isPresent()) {
                causes.add(Cause.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
            }
        }
        if (!causes.isEmpty()) {
            throw Statuses.invalidOptions("ListOptions", causes);
        }
    }

    private void checkMatch(List<Cause> causes, String at) {
        if (!match.equals("Exact") && !match.equals("NotOlderThan")) {
            causes.add(Statuses.unsupported(at, Statuses.quote(match), "Exact", "NotOlderThan", ""));
        } else if (resourceVersion.isEmpty()) {
            causes.add(Cause.forbidden(at, "resourceVersionMatch is forbidden unless resourceVersion is provided"));
        } else if (match.equals("Exact") && resourceVersion.equals("0")) {
            causes.add(Cause.forbidden(at, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""));
        } else if (!continueToken.isEmpty()) {
            causes.add(Cause.forbidden(at, "resourceVersionMatch is forbidden with continue"));
        }
    }

    /** The revision that the resourceVersion is; 0 when it is empty or 0. */
    public long revision() {
        return revision(resourceVersion);
    }

    /** The revision in a resourceVersion. */
    public static long revision(String text) {
        if (text.isEmpty()) {
            return 0;
        }
        try {
            return Long.parseUnsignedLong(text);
        } catch (NumberFormatException e) {
            throw Statuses.unknown("resourceVersion: Invalid value: " + Statuses.quote(text)
                    + ": strconv.ParseUint: parsing " + Statuses.quote(text) + ": invalid syntax");
        }
    }
}
