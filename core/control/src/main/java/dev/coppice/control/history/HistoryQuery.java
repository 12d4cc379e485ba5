package dev.coppice.control.history;

import dev.coppice.control.ApiException;
import dev.coppice.control.request.Statuses;
import dev.coppice.schema.GoDuration;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What is asked of the history, read from a request's query. All that is wrong with it is told together.
 *
 * @param resource a type as kubectl takes it; empty for all
 * @param sinceMillis only changes from then on
 * @param untilMillis only changes before then
 * @param status also changes of nothing but the status
 * @param token where a part of a list begins
 * @param at when, as it was given; empty for now
 * @param to a revision; 0 for none
 * @param change a revision; 0 for none
 * @param version of a change, as it was given; empty for the newest
 */
record HistoryQuery(
        String resource,
        String namespace,
        String name,
        String user,
        long sinceMillis,
        long untilMillis,
        boolean status,
        int limit,
        String token,
        String at,
        long to,
        long change,
        String version) {
    static final int MOST = 1_000;
    private static final int USUAL = 100;
    private static final Set<String> KNOWN = Set.of(
            "resource",
            "namespace",
            "name",
            "user",
            "since",
            "until",
            "status",
            "limit",
            "continue",
            "at",
            "to",
            "change",
            "resourceVersion");

    static HistoryQuery of(Map<String, String> given, long nowMillis) {
        List<String> problems = new ArrayList<>();
        Set<String> unknown = new TreeSet<>(given.keySet());
        unknown.removeAll(KNOWN);
        for (String each : unknown) {
            problems.add(each + ": unknown; expected one of " + String.join(", ", new TreeSet<>(KNOWN)));
        }
        long since = moment(given, "since", 0, nowMillis, problems);
        long until = moment(given, "until", Long.MAX_VALUE, nowMillis, problems);
        String status = text(given, "status");
        if (!Set.of("", "true", "false").contains(status)) {
            problems.add("status: " + Statuses.quote(status) + "; expected true or false");
        }
        HistoryQuery query = new HistoryQuery(
                text(given, "resource"),
                text(given, "namespace"),
                text(given, "name"),
                text(given, "user"),
                since,
                until,
                !status.equals("false"),
                (int) number(given, "limit", USUAL, MOST, problems),
                text(given, "continue"),
                text(given, "at"),
                number(given, "to", 0, Long.MAX_VALUE, problems),
                number(given, "change", 0, Long.MAX_VALUE, problems),
                text(given, "resourceVersion"));
        if (!query.token.matches("[0-9a-f-]{0,64}")) {
            problems.add(
                    "continue: " + Statuses.quote(query.token) + "; expected what a list gave as metadata.continue");
        }
        if (!problems.isEmpty()) {
            throw Statuses.badRequest(String.join("; ", problems));
        }
        return query;
    }

    private static String text(Map<String, String> given, String name) {
        return given.getOrDefault(name, "");
    }

    private static long number(Map<String, String> given, String name, long usual, long most, List<String> problems) {
        String text = text(given, name);
        if (text.isEmpty()) {
            return usual;
        }
        if (text.matches("[0-9]{1,18}") && Long.parseLong(text) >= 1 && Long.parseLong(text) <= most) {
            return Long.parseLong(text);
        }
        problems.add(name + ": " + Statuses.quote(text) + "; expected a number from 1 to " + most);
        return usual;
    }

    private static long moment(
            Map<String, String> given, String name, long usual, long nowMillis, List<String> problems) {
        String text = text(given, name);
        if (text.isEmpty()) {
            return usual;
        }
        Long millis = millis(text, nowMillis);
        if (millis == null) {
            problems.add(
                    name + ": " + Statuses.quote(text) + "; expected a time such as 15m (ago) or 2026-01-31T12:00:00Z");
            return usual;
        }
        return millis;
    }

    /** A time, or how long ago; null when it is neither. */
    static @Nullable Long millis(String text, long nowMillis) {
        Duration ago = text.matches("[0-9]{1,4}d")
                ? Duration.ofDays(Long.parseLong(text.substring(0, text.length() - 1)))
                : GoDuration.parse(text);
        if (ago != null && !ago.isNegative() && ago.compareTo(Duration.ofDays(36_500)) < 0) {
            return nowMillis - ago.toMillis();
        }
        try {
            return Instant.parse(text).toEpochMilli();
        } catch (DateTimeException e) {
            return null;
        }
    }

    /** When {@code at} says; a number is a revision. */
    PastObjects.Moment moment(long nowMillis) throws ApiException {
        if (at.matches("[0-9]{1,18}") && Long.parseLong(at) > 0) {
            return new PastObjects.Moment.Revision(Long.parseLong(at));
        }
        Long millis = millis(at, nowMillis);
        if (millis == null || millis > nowMillis) {
            throw Statuses.badRequest("at: " + Statuses.quote(at)
                    + "; expected how long ago (10m), a time (2026-01-31T12:00:00Z) or a revision, in the past");
        }
        return new PastObjects.Moment.Time(millis);
    }
}
