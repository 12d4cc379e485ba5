package dev.coppice.health.page;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a public status page shows: names, states, history, incidents. It holds nothing else, so nothing else can leak.
 *
 * @param state Up, Degraded, Down, Maintenance or Unknown
 * @param days of history
 */
public record StatusModel(
        String namespace,
        String name,
        String title,
        String description,
        String state,
        List<Group> groups,
        List<Incident> incidents,
        int days,
        boolean searchable,
        Instant at) {

    public StatusModel {
        groups = List.copyOf(groups);
        incidents = List.copyOf(incidents);
    }

    /** A group of components; the name may be empty. */
    public record Group(String name, List<Component> components) {
        public Group {
            components = List.copyOf(components);
        }
    }

    /**
     * One check.
     *
     * @param uptime over all of the days, such as 99.95%; empty when unknown
     * @param latency the median of the last day, such as 12ms; empty when it is not shown
     */
    public record Component(
            String name,
            String title,
            String description,
            String state,
            Instant since,
            String uptime,
            String latency,
            List<Bar> bars) {
        public Component {
            bars = List.copyOf(bars);
        }
    }

    /** One day: {@code level} is ok, warn, bad or off. */
    public record Bar(String date, String level, String uptime) {}

    /** An incident: written by hand, or found from checks that are down now. */
    public record Incident(
            String title,
            String type,
            Instant start,
            @Nullable Instant end,
            List<String> components,
            List<Update> updates) {
        public Incident {
            components = List.copyOf(components);
            updates = List.copyOf(updates);
        }
    }

    /** What was told about an incident. */
    public record Update(Instant time, String status, String message) {}

    public int components() {
        return groups.stream().mapToInt(g -> g.components().size()).sum();
    }

    /** The state in a sentence. */
    public String headline() {
        return switch (state) {
            case "Up" -> "All systems are up";
            case "Degraded" -> "Some systems are degraded";
            case "Down" -> "Some systems are down";
            case "Maintenance" -> "Maintenance is under way";
            default -> "The state is not known yet";
        };
    }

    /** A time for people, to the minute. */
    public static String when(@Nullable Instant time) {
        return time == null
                ? ""
                : time.truncatedTo(ChronoUnit.MINUTES)
                        .toString()
                        .replace('T', ' ')
                        .replace(":00Z", " UTC");
    }

    /** The CSS class of a state: ok, warn, bad, info or off. */
    public static String level(String state) {
        return switch (state) {
            case "Up" -> "ok";
            case "Degraded", "Flapping" -> "warn";
            case "Down" -> "bad";
            case "Maintenance" -> "info";
            default -> "off";
        };
    }
}
