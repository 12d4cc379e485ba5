package dev.coppice.health.page;

import java.util.List;
import java.util.Map;

/**
 * What the console's health overview shows.
 *
 * @param counts checks by state, in the order of the chips
 * @param groups of rows, the worst first
 * @param left rows that are not shown because there are too many
 */
public record Overview(
        String query,
        String state,
        String events,
        int total,
        Map<String, Integer> counts,
        List<Group> groups,
        int left) {

    public Overview {
        groups = List.copyOf(groups);
    }

    /** Rows under one heading. */
    public record Group(String name, String level, List<Row> rows) {
        public Group {
            rows = List.copyOf(rows);
        }
    }

    /**
     * One check.
     *
     * @param level ok, warn, bad, info or off
     * @param spark an SVG path in a box of 100 by 28
     * @param bars levels of the last results, oldest first
     */
    public record Row(
            String name,
            String namespace,
            String href,
            String state,
            String level,
            String type,
            String target,
            String since,
            String uptime,
            String latency,
            String error,
            String spark,
            List<String> bars) {
        public Row {
            bars = List.copyOf(bars);
        }
    }

    /** The CSS class of a state word. */
    public static String level(String state) {
        return StatusModel.level(state);
    }
}
