package dev.coppice.health.page;

import java.util.List;
import java.util.Map;

/** What the console shows of one check. */
public record Detail(
        Overview.Row row,
        String base,
        String description,
        String severity,
        String interval,
        Map<String, String> uptimes,
        Map<String, String> latencies,
        Map<String, String> facts,
        List<Condition> conditions,
        List<Event> events,
        List<Result> results,
        List<StatusModel.Bar> days,
        List<String> dependsOn,
        String window,
        String chart) {

    public Detail {
        conditions = List.copyOf(conditions);
        events = List.copyOf(events);
        results = List.copyOf(results);
        days = List.copyOf(days);
        dependsOn = List.copyOf(dependsOn);
    }

    /** A condition of the resource. */
    public record Condition(String type, String status, String reason, String message, String since) {}

    /** An Event about the resource. */
    public record Event(String time, String type, String reason, String note, int count) {}

    /** One result. */
    public record Result(String time, String outcome, String level, String latency, String code) {}
}
