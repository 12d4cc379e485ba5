package dev.coppice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** What runs in a node, as {@code coppice top} shows it. */
final class ProcessTable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String PATH = "/apis/runtime.coppice.dev/v1/processes?limit=1000";
    private static final int MAX_PAGES = 50;
    private static final int MIN_PATH = 20;
    private static final String HEAD = String.format(
            "%-10s %-10s %8s %8s %9s %6s %8s %6s",
            "KIND", "STATE", "RESTARTS", "MAILBOX", "MSG/S", "CPU%", "MEMORY", "AGE");

    /** What to order by, greatest first. */
    enum Sort {
        CPU("cpuPercent"),
        MAILBOX("mailbox"),
        MEMORY("memoryBytes"),
        RATE("messagesPerSecond"),
        RESTARTS("restarts");

        private final String field;

        Sort(String field) {
            this.field = field;
        }

        private double of(Row row) {
            return row.status.path(field).asDouble();
        }
    }

    /** One line. */
    private record Row(String name, JsonNode spec, JsonNode status) {
        String path() {
            return spec.path("path").asText();
        }
    }

    private final List<Row> rows;
    private final Instant at;

    private ProcessTable(List<Row> rows, Instant at) {
        this.rows = rows;
        this.at = at;
    }

    /** Reads all that the node lists. */
    static ProcessTable read(ApiConnection api) throws IOException, InterruptedException {
        List<Row> rows = new ArrayList<>();
        String next = PATH;
        for (int page = 0; page < MAX_PAGES && !next.isEmpty(); page++) {
            ApiConnection.Answer answer = api.get(next);
            JsonNode list = JSON.readTree(answer.body());
            if (answer.status() != 200) {
                throw new IOException("the node answered " + answer.status() + ": "
                        + list.path("message").asText("see its log"));
            }
            for (JsonNode item : list.path("items")) {
                rows.add(new Row(item.path("metadata").path("name").asText(), item.path("spec"), item.path("status")));
            }
            String token = list.path("metadata").path("continue").asText("");
            next = token.isEmpty() ? "" : PATH + "&continue=" + token;
        }
        return new ProcessTable(rows, api.now());
    }

    private List<Row> greatest(Sort sort, int count) {
        return rows.stream()
                .sorted(Comparator.comparingDouble(sort::of).reversed().thenComparing(Row::path))
                .limit(count)
                .toList();
    }

    /** One JSON object with the greatest. */
    ObjectNode json(Sort sort, int count) {
        ObjectNode report = JSON.createObjectNode();
        totals(report);
        var list = report.putArray("processes");
        for (Row row : greatest(sort, count)) {
            ObjectNode each = list.addObject()
                    .put("name", row.name)
                    .put("path", row.path())
                    .put("kind", row.spec.path("sort").asText());
            for (String field : List.of(
                    "state",
                    "restarts",
                    "mailbox",
                    "handled",
                    "messagesPerSecond",
                    "cpuPercent",
                    "busyPercent",
                    "memoryBytes",
                    "startedAt",
                    "lastCrash")) {
                if (row.status.has(field)) {
                    each.set(field, row.status.path(field));
                }
            }
        }
        return report;
    }

    private void totals(ObjectNode report) {
        long down = rows.stream()
                .filter(row -> !row.status.path("state").asText().equals("running"))
                .count();
        report.put("children", rows.size()).put("notRunning", down);
        report.put("restarts", sum("restarts")).put("mailbox", sum("mailbox"));
    }

    private long sum(String field) {
        return rows.stream().mapToLong(row -> row.status.path(field).asLong()).sum();
    }

    /**
     * The lines of the table, its head first, each as wide as {@code width} at most.
     *
     * @param colour whether to use a terminal's colours
     */
    List<String> lines(Sort sort, int count, int width, boolean colour) {
        List<Row> shown = greatest(sort, count);
        int longest = shown.stream().mapToInt(row -> row.path().length()).max().orElse(MIN_PATH);
        int room = Math.max(MIN_PATH, Math.min(Math.max(longest, MIN_PATH), width - HEAD.length() - 1));
        List<String> lines = new ArrayList<>();
        lines.add(summary());
        lines.add("");
        String head = pad("PATH", room) + " " + HEAD;
        lines.add(colour ? "\033[7m" + cut(head, width) + "\033[0m" : head);
        for (Row row : shown) {
            String text = pad(middle(row.path(), room), room) + " " + cells(row);
            boolean well = row.status.path("state").asText().equals("running");
            String line = colour ? cut(text, width) : text.stripTrailing();
            lines.add(colour && !well ? "\033[31m" + line + "\033[0m" : line);
        }
        return lines;
    }

    private String summary() {
        ObjectNode totals = JSON.createObjectNode();
        totals(totals);
        return totals.path("children").asLong() + " children, "
                + totals.path("notRunning").asLong() + " not running, "
                + totals.path("restarts").asLong() + " restarts, "
                + totals.path("mailbox").asLong() + " messages waiting";
    }

    private String cells(Row row) {
        JsonNode status = row.status;
        return String.format(
                "%-10s %-10s %8s %8s %9s %6s %8s %6s",
                row.spec.path("sort").asText(),
                status.path("state").asText(),
                status.path("restarts").asText(),
                status.path("mailbox").asText(),
                number(status.path("messagesPerSecond").asDouble()),
                number(status.path("cpuPercent").asDouble()),
                status.path("memory").asText(),
                age(status.path("startedAt").asText()));
    }

    private static String number(double value) {
        return value >= 100
                ? Long.toString(Math.round(value))
                : value == 0 ? "0" : String.format(java.util.Locale.ROOT, "%.1f", value);
    }

    private String age(String startedAt) {
        Duration age = Duration.between(Instant.parse(startedAt), at);
        long seconds = Math.max(0, age.toSeconds());
        if (seconds < 120) {
            return seconds + "s";
        }
        if (seconds < 7_200) {
            return seconds / 60 + "m";
        }
        return seconds < 172_800 ? seconds / 3_600 + "h" : seconds / 86_400 + "d";
    }

    private static String pad(String text, int width) {
        return text.length() >= width ? text : text + " ".repeat(width - text.length());
    }

    private static String cut(String text, int width) {
        return text.length() <= width ? text : text.substring(0, Math.max(0, width));
    }

    /** Leaves out what stands in the middle: both ends of a path say most. */
    private static String middle(String path, int width) {
        if (path.length() <= width) {
            return path;
        }
        int head = width / 3;
        return path.substring(0, head) + "…" + path.substring(path.length() - (width - head - 1));
    }
}
