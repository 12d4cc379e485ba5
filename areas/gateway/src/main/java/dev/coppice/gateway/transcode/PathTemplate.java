package dev.coppice.gateway.transcode;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A path with places for fields, such as <code>/v1/{name=shelves/&#42;}/books:list</code> (google.api.HttpRule). Immutable.
 *
 * <pre>
 * template = "/" segments [ ":" literal ]
 * segments = segment { "/" segment }
 * segment  = "*" | "**" | literal | "{" field [ "=" segments ] "}"
 * </pre>
 *
 * A star is one segment, two are any number, and the last.
 */
public final class PathTemplate {
    static final String ONE = "*";
    static final String MANY = "**";
    private static final int MOST_SEGMENTS = 64;

    /**
     * A field that a path has.
     *
     * @param field its name, or names separated by dots
     * @param from its first segment
     * @param to one after its last; -1: up to the end
     */
    record Variable(String field, int from, int to) {}

    private final String text;
    private final List<String> segments = new ArrayList<>();
    private final List<Variable> variables = new ArrayList<>();
    private final String verb;

    private PathTemplate(String text) {
        this.text = text;
        if (!text.startsWith("/")) {
            throw wrong("expected it to begin with a slash");
        }
        int brace = text.lastIndexOf('}');
        int colon = text.indexOf(':', Math.max(brace, text.lastIndexOf('/')));
        this.verb = colon < 0 ? "" : text.substring(colon + 1);
        if (colon >= 0 && (verb.isEmpty() || verb.indexOf(':') >= 0)) {
            throw wrong("expected one word after the colon");
        }
        read(text.substring(1, colon < 0 ? text.length() : colon));
        for (int i = 0; i < segments.size() - 1; i++) {
            if (segments.get(i).equals(MANY)) {
                throw wrong("expected ** to be the last segment");
            }
        }
        if (segments.size() > MOST_SEGMENTS) {
            throw wrong("expected " + MOST_SEGMENTS + " segments at most");
        }
    }

    /** @throws IllegalArgumentException when it is none; the message says what was expected */
    public static PathTemplate of(String text) {
        return new PathTemplate(text);
    }

    private IllegalArgumentException wrong(String why) {
        return new IllegalArgumentException("the path " + text + ": " + why);
    }

    private void read(String path) {
        int at = 0;
        while (at <= path.length()) {
            if (at < path.length() && path.charAt(at) == '{') {
                int end = path.indexOf('}', at);
                if (end < 0) {
                    throw wrong("expected a brace that is closed");
                }
                variable(path.substring(at + 1, end));
                at = end + 1;
                if (at < path.length() && path.charAt(at) != '/') {
                    throw wrong("expected a slash after a brace");
                }
            } else {
                int end = path.indexOf('/', at);
                segment(path.substring(at, end < 0 ? path.length() : end));
                at = end < 0 ? path.length() : end;
            }
            at++;
        }
    }

    private void segment(String segment) {
        boolean star = segment.equals(ONE) || segment.equals(MANY);
        if (segment.isEmpty()
                || !star && (segment.indexOf('*') >= 0 || segment.indexOf('{') >= 0 || segment.indexOf('}') >= 0)) {
            throw wrong("\"" + segment + "\" is no segment; expected a word, * or **");
        }
        segments.add(segment);
    }

    private void variable(String inside) {
        int equals = inside.indexOf('=');
        String field = equals < 0 ? inside : inside.substring(0, equals);
        if (!field.matches("[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z_][A-Za-z0-9_]*)*")) {
            throw wrong("\"" + field + "\" is no field");
        }
        if (variables.stream().anyMatch(each -> each.field.equals(field))) {
            throw wrong("the field " + field + " is there twice");
        }
        int from = segments.size();
        for (String each : (equals < 0 ? ONE : inside.substring(equals + 1)).split("/", -1)) {
            segment(each);
        }
        variables.add(new Variable(field, from, segments.getLast().equals(MANY) ? -1 : segments.size()));
    }

    List<String> segments() {
        return segments;
    }

    String verb() {
        return verb;
    }

    List<Variable> variables() {
        return variables;
    }

    /** The names of its fields. */
    public Set<String> fields() {
        return variables.stream().map(Variable::field).collect(Collectors.toUnmodifiableSet());
    }

    /**
     * The values of the fields in a path in normal form, with the escapes that they have there.
     *
     * @return null when the path is another one
     */
    public @Nullable Map<String, String> match(String path) {
        int end = path.length();
        if (!verb.isEmpty()) {
            if (!path.endsWith(":" + verb) || path.lastIndexOf('/') > end - verb.length() - 1) {
                return null;
            }
            end -= verb.length() + 1;
        }
        if (!path.startsWith("/")) {
            return null;
        }
        int fixed = segments.getLast().equals(MANY) ? segments.size() - 1 : segments.size();
        List<String> found = new ArrayList<>(segments.size());
        int at = 1;
        for (int i = 0; i < fixed; i++) {
            int slash = at > end ? -1 : path.indexOf('/', at);
            int stop = slash < 0 || slash > end ? end : slash;
            if (at > end || !fits(segments.get(i), path.substring(at, stop))) {
                return null;
            }
            found.add(path.substring(at, stop));
            at = stop + 1;
        }
        if (fixed == segments.size()) {
            if (at <= end) {
                return null;
            }
        } else {
            // What is left is one text: a path may have more segments than anybody wants to see apart.
            found.add(at > end ? "" : path.substring(at, end));
        }
        Map<String, String> values = new HashMap<>();
        for (Variable each : variables) {
            values.put(each.field, String.join("/", found.subList(each.from, each.to < 0 ? found.size() : each.to)));
        }
        return values;
    }

    private static boolean fits(String pattern, String segment) {
        return pattern.equals(ONE) ? !segment.isEmpty() : pattern.equals(segment);
    }

    @Override
    public String toString() {
        return text;
    }

    /**
     * The value of a field: of one segment without escapes, of several with those for what separates them (google.api.HttpRule).
     *
     * @param path its segments
     * @return null when an escape is no UTF-8
     */
    static @Nullable String value(Variable variable, List<String> path, boolean several) {
        List<String> parts = path.subList(variable.from, variable.to < 0 ? path.size() : variable.to);
        return PercentText.decoded(String.join("/", parts), several);
    }

    /** Whether a field's value may have slashes. */
    boolean several(Variable variable) {
        return variable.to < 0 || variable.to - variable.from > 1;
    }
}
