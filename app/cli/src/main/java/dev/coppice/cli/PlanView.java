package dev.coppice.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;

/**
 * Shows a plan as it is made: what changes on standard output, in colour on a terminal; how far it is on standard error, on a
 * terminal only. Used by one thread.
 */
final class PlanView {
    private static final int MOST_LINES = 200;
    private static final int RED = 31;
    private static final int GREEN = 32;
    private static final int YELLOW = 33;

    private final Manifests manifests;
    private final boolean text;
    private final boolean terminal =
            System.console() != null && System.console().isTerminal();
    private final boolean colour = terminal && System.getenv("NO_COLOR") == null;
    private int seen;

    PlanView(Manifests manifests, boolean text) {
        this.manifests = manifests;
        this.text = text;
    }

    /** Shows one object; nothing of one that would not change. */
    void show(JsonNode object) throws JsonProcessingException {
        seen++;
        clear();
        if (text) {
            for (String line : lines(object)) {
                System.out.println(line);
            }
        }
        if (terminal && seen < manifests.manifests().size()) {
            System.err.print("planned " + seen + " of " + manifests.manifests().size());
            System.err.flush();
        }
    }

    private void clear() {
        if (terminal) {
            System.err.print("\r\033[K");
            System.err.flush();
        }
    }

    void end() {
        clear();
    }

    private List<String> lines(JsonNode object) throws JsonProcessingException {
        String action = ChangeLines.text(object, "action");
        List<String> lines = new ArrayList<>();
        switch (action) {
            case "create" -> {
                lines.add(paint(GREEN, "+ " + name(object) + " would be created"));
                created(object, lines);
            }
            case "change" -> {
                boolean owned = object.path("ownership").asBoolean();
                lines.add(paint(
                        YELLOW,
                        "~ " + name(object)
                                + (owned
                                        ? " would keep its values; who owns its fields would change"
                                        : " would change")));
                ChangeLines.difference(object.path("diff"), "    ")
                        .forEach(each -> lines.add(paint(each.startsWith("    -") ? RED : GREEN, each)));
            }
            case "refused" -> refused(object, lines);
            default -> {
                if (object.path("warnings").isEmpty()) {
                    return List.of();
                }
                lines.add("  " + name(object) + " would not change");
            }
        }
        object.path("warnings").forEach(each -> lines.add(paint(YELLOW, "    warning: " + clean(each.asText()))));
        object.path("admission").forEach(each -> lines.add("    asked: " + clean(each.asText())));
        for (JsonNode said : object.path("controllers")) {
            String who = "    controller " + clean(ChangeLines.text(said, "controller")) + " ";
            said.path("actions").forEach(each -> lines.add(who + clean(each.asText())));
            if (said.has("problem")) {
                lines.add(paint(YELLOW, who + clean(ChangeLines.text(said, "problem"))));
            }
        }
        return lines;
    }

    private void refused(JsonNode object, List<String> lines) {
        lines.add(paint(RED, "! " + name(object) + " would be refused"));
        int index = object.path("index").asInt();
        if (index < manifests.manifests().size()) {
            lines.add("    of " + manifests.manifests().get(index).source());
        }
        if (object.has("conflicts")) {
            for (JsonNode each : object.path("conflicts")) {
                lines.add(paint(
                        RED,
                        "    " + clean(ChangeLines.text(each, "field")) + " belongs to "
                                + clean(ChangeLines.text(each, "manager"))));
            }
            lines.add("    (--force-conflicts shows what happens when these are taken over)");
        } else {
            lines.add(paint(RED, "    " + clean(ChangeLines.text(object.path("error"), "message"))));
        }
    }

    private void created(JsonNode object, List<String> lines) throws JsonProcessingException {
        ObjectNode whole = ApiAccess.JSON.createObjectNode();
        object.path("diff").forEach(each -> whole.set(ChangeLines.text(each, "field"), each.path("after")));
        // The status is what controllers make of it.
        whole.remove(List.of("apiVersion", "kind", "status"));
        if (whole.path("metadata").deepCopy() instanceof ObjectNode metadata) {
            metadata.remove(List.of("name", "namespace"));
            whole.set("metadata", metadata);
            if (metadata.isEmpty()) {
                whole.remove("metadata");
            }
        }
        if (whole.isEmpty()) {
            return;
        }
        List<String> yaml = ApiAccess.yaml(whole).lines().toList();
        yaml.stream().limit(MOST_LINES).forEach(each -> lines.add(paint(GREEN, "    + " + clean(each))));
        if (yaml.size() > MOST_LINES) {
            lines.add("    … " + (yaml.size() - MOST_LINES) + " more lines; -o json shows all");
        }
    }

    private static String name(JsonNode object) {
        String namespace = clean(ChangeLines.text(object, "namespace"));
        return clean(ChangeLines.text(object, "kind")) + "/" + clean(ChangeLines.text(object, "name"))
                + (namespace.isEmpty() ? "" : " in " + namespace);
    }

    /** The last line. */
    void sum(JsonNode sum) {
        if (sum.has("note")) {
            System.out.println("note: " + clean(ChangeLines.text(sum, "note")));
        }
        System.out.println(
                sum.path("create").asInt() + " to create, " + sum.path("change").asInt() + " to change, "
                        + sum.path("unchanged").asInt() + " unchanged, "
                        + sum.path("refused").asInt()
                        + " refused. Nothing was changed.");
    }

    /** Without what could make a terminal do something. */
    private static String clean(String value) {
        return value.replaceAll("\\p{Cntrl}", " ");
    }

    private String paint(int code, String line) {
        return colour ? "\033[" + code + "m" + line + "\033[0m" : line;
    }
}
