package dev.coppice.probe;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/**
 * A compiled JSONPath (RFC 9535): names, indices, slices, wildcards, unions, descendants, and filters with comparisons,
 * existence tests, {@code &&}, {@code ||}, {@code !} and {@code length()}, {@code count()}. A leading {@code $} may be left
 * out. Own code, because the libraries there are put no bound on what an expression may cost: here a selection takes at
 * most {@value #STEPS_MAX} steps. Immutable, safe for use by many threads.
 */
public final class JsonPath {
    static final int STEPS_MAX = 1_000_000;
    private static final int LENGTH_MAX = 512;

    /** An expression that took more steps than it may. */
    public static final class TooCostlyException extends Exception {
        private static final long serialVersionUID = 1;

        TooCostlyException() {
            super("the JSONPath takes more than " + STEPS_MAX + " steps over this body", null, false, false);
        }
    }

    /** Chooses among the children of a node. */
    sealed interface Selector {}

    record Member(String name) implements Selector {}

    record Index(long index) implements Selector {}

    /** Start and end are null when left out. */
    record Slice(
            @org.jspecify.annotations.Nullable Long start,
            @org.jspecify.annotations.Nullable Long end,
            long step) implements Selector {}

    record Wildcard() implements Selector {}

    record Filter(Condition condition) implements Selector {}

    /** One segment: selectors, applied to each node or to all its descendants. */
    record Segment(boolean descendant, List<Selector> selectors) {}

    /** The condition of a filter. */
    sealed interface Condition {}

    record And(Condition left, Condition right) implements Condition {}

    record Or(Condition left, Condition right) implements Condition {}

    record Not(Condition condition) implements Condition {}

    record Exists(Query query) implements Condition {}

    record Compare(Operand left, String operator, Operand right) implements Condition {}

    /** A side of a comparison. */
    sealed interface Operand {}

    record Literal(JsonNode value) implements Operand {}

    /** A path from the root or from the current node. */
    record Query(boolean fromRoot, List<Segment> segments) implements Operand {}

    record Length(Operand of) implements Operand {}

    record Count(Query of) implements Operand {}

    private final String text;
    private final List<Segment> segments;

    private JsonPath(String text, List<Segment> segments) {
        this.text = text;
        this.segments = segments;
    }

    /**
     * Compiles an expression.
     *
     * @throws IllegalArgumentException in words for the user
     */
    public static JsonPath compile(String text) {
        if (text.length() > LENGTH_MAX) {
            throw new IllegalArgumentException("a JSONPath has at most " + LENGTH_MAX + " characters");
        }
        return new JsonPath(text, new JsonPathParser(text).parse());
    }

    /** The nodes that the path selects, in order. */
    public List<JsonNode> select(JsonNode root) throws TooCostlyException {
        return new Run(root).query(root, segments);
    }

    @Override
    public String toString() {
        return text;
    }

    /** Equality as RFC 9535 has it: numbers by value. */
    static boolean equal(JsonNode a, JsonNode b) {
        if (a.isNumber() && b.isNumber()) {
            return number(a, b) == 0;
        }
        return a.equals(b);
    }

    /** Order of two numbers or two strings; false for everything else. */
    static boolean less(JsonNode a, JsonNode b) {
        if (a.isNumber() && b.isNumber()) {
            return number(a, b) < 0;
        }
        return a.isTextual() && b.isTextual() && a.textValue().compareTo(b.textValue()) < 0;
    }

    private static int number(JsonNode a, JsonNode b) {
        return a.isIntegralNumber() && a.canConvertToLong() && b.isIntegralNumber() && b.canConvertToLong()
                ? Long.compare(a.longValue(), b.longValue())
                : Double.compare(a.doubleValue(), b.doubleValue());
    }

    /** One selection and its steps. */
    private static final class Run {
        private final JsonNode root;
        private int steps;

        Run(JsonNode root) {
            this.root = root;
        }

        private void step() throws TooCostlyException {
            if (++steps > STEPS_MAX) {
                throw new TooCostlyException();
            }
        }

        List<JsonNode> query(JsonNode from, List<Segment> segments) throws TooCostlyException {
            var nodes = List.of(from);
            for (var segment : segments) {
                var next = new ArrayList<JsonNode>();
                for (var node : nodes) {
                    if (segment.descendant()) {
                        descend(node, segment, next);
                    } else {
                        select(node, segment, next);
                    }
                }
                nodes = next;
            }
            return nodes;
        }

        private void descend(JsonNode node, Segment segment, List<JsonNode> out) throws TooCostlyException {
            step();
            select(node, segment, out);
            for (var child : node) {
                if (child.isContainerNode()) {
                    descend(child, segment, out);
                }
            }
        }

        private void select(JsonNode node, Segment segment, List<JsonNode> out) throws TooCostlyException {
            for (var selector : segment.selectors()) {
                step();
                switch (selector) {
                    case Member m -> add(node.isObject() ? node.get(m.name()) : null, out);
                    case Index i -> add(node.isArray() ? at(node, i.index()) : null, out);
                    case Slice s -> slice(node, s, out);
                    case Wildcard ignored -> {
                        for (var child : node) {
                            step();
                            out.add(child);
                        }
                    }
                    case Filter f -> {
                        for (var child : node) {
                            step();
                            if (holds(f.condition(), child)) {
                                out.add(child);
                            }
                        }
                    }
                }
            }
        }

        private static void add(@org.jspecify.annotations.Nullable JsonNode node, List<JsonNode> out) {
            if (node != null) {
                out.add(node);
            }
        }

        private static @org.jspecify.annotations.Nullable JsonNode at(JsonNode array, long index) {
            long i = index < 0 ? array.size() + index : index;
            return i < 0 || i >= array.size() ? null : array.get((int) i);
        }

        private void slice(JsonNode node, Slice slice, List<JsonNode> out) throws TooCostlyException {
            if (!node.isArray() || slice.step() == 0) {
                return;
            }
            long size = node.size();
            boolean up = slice.step() > 0;
            long start = bound(slice.start(), up ? 0 : size - 1, size, up ? 0 : -1, up ? size : size - 1);
            long end = bound(slice.end(), up ? size : -1, size, up ? 0 : -1, up ? size : size - 1);
            if (slice.end() == null && !up) {
                end = -1;
            }
            for (long i = start; up ? i < end : i > end; i += slice.step()) {
                step();
                add(node.get((int) i), out);
            }
        }

        private static long bound(
                @org.jspecify.annotations.Nullable Long given, long absent, long size, long least, long most) {
            if (given == null) {
                return absent;
            }
            return Math.clamp(given < 0 ? size + given : given, least, most);
        }

        private boolean holds(Condition condition, JsonNode current) throws TooCostlyException {
            return switch (condition) {
                case And a -> holds(a.left(), current) && holds(a.right(), current);
                case Or o -> holds(o.left(), current) || holds(o.right(), current);
                case Not n -> !holds(n.condition(), current);
                case Exists e -> !run(e.query(), current).isEmpty();
                case Compare c -> compare(value(c.left(), current), c.operator(), value(c.right(), current));
            };
        }

        private List<JsonNode> run(Query query, JsonNode current) throws TooCostlyException {
            return query(query.fromRoot() ? root : current, query.segments());
        }

        /** Null stands for RFC 9535's Nothing. */
        private @org.jspecify.annotations.Nullable JsonNode value(Operand operand, JsonNode current)
                throws TooCostlyException {
            return switch (operand) {
                case Literal l -> l.value();
                case Query q -> {
                    var found = run(q, current);
                    yield found.size() == 1 ? found.getFirst() : null;
                }
                case Count c ->
                    com.fasterxml.jackson.databind.node.IntNode.valueOf(
                            run(c.of(), current).size());
                case Length l -> {
                    var of = value(l.of(), current);
                    if (of == null || !of.isTextual() && !of.isContainerNode()) {
                        yield null;
                    }
                    yield com.fasterxml.jackson.databind.node.IntNode.valueOf(
                            of.isTextual()
                                    ? of.textValue()
                                            .codePointCount(0, of.textValue().length())
                                    : of.size());
                }
            };
        }

        private static boolean compare(
                @org.jspecify.annotations.Nullable JsonNode a,
                String operator,
                @org.jspecify.annotations.Nullable JsonNode b) {
            if (a == null || b == null) {
                // Nothing equals nothing, and has no order (RFC 9535, section 2.3.5.2.2).
                boolean same = a == null && b == null;
                return operator.equals("!=") ? !same : same && operator.endsWith("=");
            }
            boolean same = equal(a, b);
            return switch (operator) {
                case "==" -> same;
                case "!=" -> !same;
                case "<" -> less(a, b);
                case ">" -> less(b, a);
                case "<=" -> same || less(a, b);
                case ">=" -> same || less(b, a);
                default -> throw new IllegalStateException("the parser knows no operator " + operator);
            };
        }
    }
}
