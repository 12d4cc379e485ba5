package dev.coppice.schema.table;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.coppice.schema.Values;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A path in Kubernetes' dialect of JSONPath, such as {@code .status.conditions[?(@.type=="Ready")].status}. Surrounding
 * braces are optional. Missing fields give no results rather than errors. Immutable and thread-safe.
 *
 * @see <a href="https://kubernetes.io/docs/reference/kubectl/jsonpath/">JSONPath support</a>
 */
public final class JsonPath {
    /** The longest path that is taken. */
    public static final int MAX_LENGTH = 4096;

    /** The most values that a path yields; further ones are left out. */
    public static final int MAX_RESULTS = 10_000;

    private final String text;
    private final List<Step> steps;

    private JsonPath(String text, List<Step> steps) {
        this.text = text;
        this.steps = steps;
    }

    /** One step of a path. */
    private sealed interface Step {
        record Field(String name) implements Step {}

        record Index(int index) implements Step {}

        record Slice(@Nullable Integer from, @Nullable Integer to, int step) implements Step {}

        record All() implements Step {}

        record Descend() implements Step {}

        record Union(List<Step> choices) implements Step {}

        record Filter(Operand left, String operator, Operand right) implements Step {}
    }

    /** A side of a filter: a path from the item, or a constant. */
    private record Operand(@Nullable List<Step> path, JsonNode constant) {}

    /** A path that cannot be read. The message says where and why. */
    public static final class InvalidPathException extends IllegalArgumentException {
        private static final long serialVersionUID = 1L;

        InvalidPathException(String path, int at, String why) {
            super("the JSONPath " + Values.quote(path) + " is invalid at character " + (at + 1) + ": " + why);
        }
    }

    /**
     * Reads a path.
     *
     * @throws InvalidPathException where it is malformed
     */
    public static JsonPath compile(String text) {
        String path = text.startsWith("{") && text.endsWith("}") ? text.substring(1, text.length() - 1) : text;
        return new JsonPath(text, new Parser(path).path());
    }

    /** All values that the path leads to, in order. */
    public List<JsonNode> find(JsonNode root) {
        return find(steps, root);
    }

    /** The first value, or null. */
    public @Nullable JsonNode first(JsonNode root) {
        List<JsonNode> all = find(root);
        return all.isEmpty() ? null : all.getFirst();
    }

    @Override
    public String toString() {
        return text;
    }

    private static List<JsonNode> find(List<Step> steps, JsonNode root) {
        List<JsonNode> at = List.of(root);
        for (Step step : steps) {
            List<JsonNode> next = new ArrayList<>();
            for (JsonNode node : at) {
                go(step, node, next);
                if (next.size() > MAX_RESULTS) {
                    next = new ArrayList<>(next.subList(0, MAX_RESULTS));
                    break;
                }
            }
            at = next;
        }
        return at;
    }

    private static void go(Step step, JsonNode node, List<JsonNode> out) {
        switch (step) {
            case Step.Field(String name) -> {
                JsonNode child = node.get(name);
                if (child != null) {
                    out.add(child);
                }
            }
            case Step.Index(int index) -> {
                JsonNode child = node.isArray() ? node.get(index < 0 ? node.size() + index : index) : null;
                if (child != null) {
                    out.add(child);
                }
            }
            case Step.Slice slice -> slice(slice, node, out);
            case Step.All _ -> node.forEach(out::add);
            case Step.Descend _ -> descend(node, out);
            case Step.Union(List<Step> choices) -> choices.forEach(choice -> go(choice, node, out));
            case Step.Filter filter -> {
                if (node.isArray() || node.isObject()) {
                    node.forEach(item -> {
                        if (matches(filter, item)) {
                            out.add(item);
                        }
                    });
                }
            }
        }
    }

    private static void slice(Step.Slice slice, JsonNode node, List<JsonNode> out) {
        if (!node.isArray()) {
            return;
        }
        int size = node.size();
        Integer start = slice.from();
        Integer end = slice.to();
        int from = start == null ? 0 : start < 0 ? Math.max(0, start + size) : start;
        int to = end == null ? size : Math.min(size, end < 0 ? end + size : end);
        for (int i = from; i < to; i += slice.step()) {
            out.add(node.get(i));
        }
    }

    private static void descend(JsonNode node, List<JsonNode> out) {
        if (out.size() <= MAX_RESULTS) {
            out.add(node);
            node.forEach(child -> descend(child, out));
        }
    }

    private static boolean matches(Step.Filter filter, JsonNode item) {
        JsonNode left = value(filter.left(), item);
        if (filter.operator().isEmpty()) {
            return left != null;
        }
        JsonNode right = value(filter.right(), item);
        if (left == null || right == null) {
            return false;
        }
        boolean comparable = left.getNodeType() == right.getNodeType();
        return switch (filter.operator()) {
            case "==" -> Values.same(left, right);
            case "!=" -> !Values.same(left, right);
            case "<" -> comparable && Values.compare(left, right) < 0;
            case "<=" -> comparable && Values.compare(left, right) <= 0;
            case ">" -> comparable && Values.compare(left, right) > 0;
            case ">=" -> comparable && Values.compare(left, right) >= 0;
            default -> false;
        };
    }

    private static @Nullable JsonNode value(Operand operand, JsonNode item) {
        List<Step> path = operand.path();
        if (path == null) {
            return operand.constant();
        }
        List<JsonNode> found = find(path, item);
        return found.isEmpty() ? null : found.getFirst();
    }

    /** Reads paths, left to right. */
    private static final class Parser {
        private final String text;
        private int at;

        Parser(String text) {
            this.text = text;
        }

        List<Step> path() {
            if (text.length() > MAX_LENGTH) {
                throw error("it is longer than " + MAX_LENGTH + " characters");
            }
            if (at < text.length() && (text.charAt(at) == '$' || text.charAt(at) == '@')) {
                at++;
            }
            List<Step> steps = new ArrayList<>();
            while (at < text.length() && !atEnd()) {
                step(steps);
            }
            return List.copyOf(steps);
        }

        /** Within a filter a path ends at an operator, a space or the closing parenthesis. */
        private boolean atEnd() {
            return " )=!<>".indexOf(text.charAt(at)) >= 0;
        }

        private void step(List<Step> steps) {
            char c = text.charAt(at);
            if (c == '[') {
                at++;
                steps.add(bracket());
            } else if (c == '.') {
                at++;
                if (at < text.length() && text.charAt(at) == '.') {
                    at++;
                    steps.add(new Step.Descend());
                    if (at < text.length() && text.charAt(at) == '[') {
                        return;
                    }
                }
                if (at < text.length() && text.charAt(at) == '*') {
                    at++;
                    steps.add(new Step.All());
                } else if (at < text.length() && text.charAt(at) != '[') {
                    steps.add(new Step.Field(name()));
                }
            } else if (steps.isEmpty()) {
                steps.add(new Step.Field(name()));
            } else {
                throw error("expected . or [");
            }
        }

        private String name() {
            StringBuilder name = new StringBuilder();
            while (at < text.length() && ".[ )=!<>".indexOf(text.charAt(at)) < 0) {
                char c = text.charAt(at++);
                if (c == '\\' && at < text.length()) {
                    c = text.charAt(at++);
                } else if ("{}|,;'\"".indexOf(c) >= 0) {
                    throw error("unexpected " + c);
                }
                name.append(c);
            }
            if (name.isEmpty()) {
                throw error("a field name is missing");
            }
            return name.toString();
        }

        private Step bracket() {
            if (text.startsWith("?(", at)) {
                at += 2;
                Step filter = filter();
                expect(")]");
                return filter;
            }
            List<Step> choices = new ArrayList<>();
            do {
                choices.add(choice());
            } while (take(','));
            expect("]");
            return choices.size() == 1 ? choices.getFirst() : new Step.Union(List.copyOf(choices));
        }

        private Step choice() {
            spaces();
            if (take('*')) {
                return new Step.All();
            }
            if (at < text.length() && (text.charAt(at) == '\'' || text.charAt(at) == '"')) {
                return new Step.Field(quoted());
            }
            Integer from = number();
            if (!take(':')) {
                if (from == null) {
                    throw error("expected an index, a name in quotes, * or a filter");
                }
                return new Step.Index(from);
            }
            Integer to = number();
            Integer step = take(':') ? number() : null;
            if (step != null && step <= 0) {
                throw error("the step must be greater than 0");
            }
            return new Step.Slice(from, to, step == null ? 1 : step);
        }

        private @Nullable Integer number() {
            spaces();
            int start = at;
            if (at < text.length() && text.charAt(at) == '-') {
                at++;
            }
            while (at < text.length() && Character.isDigit(text.charAt(at))) {
                at++;
            }
            if (start == at) {
                return null;
            }
            try {
                return Integer.valueOf(text.substring(start, at));
            } catch (NumberFormatException e) {
                throw error("expected a number");
            }
        }

        private Step filter() {
            Operand left = operand();
            spaces();
            String operator = "";
            for (String one : List.of("==", "!=", "<=", ">=", "<", ">")) {
                if (text.startsWith(one, at)) {
                    operator = one;
                    at += one.length();
                    break;
                }
            }
            if (operator.isEmpty()) {
                return new Step.Filter(left, "", left);
            }
            Operand right = operand();
            spaces();
            return new Step.Filter(left, operator, right);
        }

        private Operand operand() {
            spaces();
            if (at >= text.length()) {
                throw error("the filter is not finished");
            }
            char c = text.charAt(at);
            if (c == '@' || c == '$' || c == '.') {
                return new Operand(path(), NullNode.getInstance());
            }
            if (c == '"' || c == '\'') {
                return new Operand(null, TextNode.valueOf(quoted()));
            }
            int start = at;
            while (at < text.length() && " )=!<>".indexOf(text.charAt(at)) < 0) {
                at++;
            }
            return new Operand(null, constant(text.substring(start, at)));
        }

        private JsonNode constant(String word) {
            switch (word) {
                case "true" -> {
                    return BooleanNode.TRUE;
                }
                case "false" -> {
                    return BooleanNode.FALSE;
                }
                case "null", "nil" -> {
                    return NullNode.getInstance();
                }
                default -> {
                    try {
                        return word.matches("-?\\d+")
                                ? LongNode.valueOf(Long.parseLong(word))
                                : DoubleNode.valueOf(Double.parseDouble(word));
                    } catch (NumberFormatException e) {
                        throw error("expected a path, a number, or a text in quotes");
                    }
                }
            }
        }

        private String quoted() {
            char quote = text.charAt(at++);
            StringBuilder out = new StringBuilder();
            while (at < text.length() && text.charAt(at) != quote) {
                char c = text.charAt(at++);
                out.append(c == '\\' && at < text.length() ? text.charAt(at++) : c);
            }
            expect(String.valueOf(quote));
            return out.toString();
        }

        private void spaces() {
            while (at < text.length() && text.charAt(at) == ' ') {
                at++;
            }
        }

        private boolean take(char c) {
            spaces();
            if (at < text.length() && text.charAt(at) == c) {
                at++;
                return true;
            }
            return false;
        }

        private void expect(String wanted) {
            spaces();
            if (!text.startsWith(wanted, at)) {
                throw error("expected " + wanted);
            }
            at += wanted.length();
        }

        private InvalidPathException error(String why) {
            return new InvalidPathException(text, at, why);
        }
    }
}
