package dev.coppice.control.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Cause;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Lets an update keep what was invalid before it: causes in values that did not change are dropped. */
final class Ratcheting {
    private static final Pattern STEP = Pattern.compile("([^.\\[\\]]+)|\\[([^\\]]*)\\]");

    private Ratcheting() {}

    static List<Cause> unchanged(List<Cause> causes, ObjectNode fresh, ObjectNode old) {
        List<Cause> kept = new ArrayList<>();
        for (Cause cause : causes) {
            JsonNode now = at(fresh, cause.field());
            JsonNode before = at(old, cause.field());
            if (now.isMissingNode() || before.isMissingNode() || !now.equals(before)) {
                kept.add(cause);
            }
        }
        return kept;
    }

    private static JsonNode at(JsonNode node, String path) {
        JsonNode at = node;
        Matcher steps = STEP.matcher(path);
        while (steps.find()) {
            String key = steps.group(1) != null ? steps.group(1) : steps.group(2);
            at = at.isArray() && key.matches("[0-9]{1,9}") ? at.path(Integer.parseInt(key)) : at.path(key);
        }
        return at;
    }
}
