package dev.coppice.probe;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Parses a JSONPath by recursive descent; depth is bounded by the expression's length. One use each. */
final class JsonPathParser {
    private static final int DEPTH_MAX = 16;

    private final String text;
    private int at;
    private int depth;

    JsonPathParser(String text) {
        this.text = text.strip();
    }

    List<JsonPath.Segment> parse() {
        if (peek('$')) {
            at++;
        } else if (!text.isEmpty() && text.charAt(0) != '.' && text.charAt(0) != '[') {
            // A bare "status.ready" means "$.status.ready".
            var first = new JsonPath.Segment(false, List.of(new JsonPath.Member(name())));
            var segments = new ArrayList<JsonPath.Segment>();
            segments.add(first);
            segments.addAll(segments());
            return end(segments);
        }
        return end(segments());
    }

    private List<JsonPath.Segment> end(List<JsonPath.Segment> segments) {
        if (at < text.length()) {
            throw error("expected \".\", \"[\" or the end");
        }
        return List.copyOf(segments);
    }

    private IllegalArgumentException error(String message) {
        return new IllegalArgumentException(
                "\"" + text + "\" is no JSONPath: " + message + " at character " + (at + 1));
    }

    private boolean peek(char c) {
        return at < text.length() && text.charAt(at) == c;
    }

    private boolean take(String token) {
        blanks();
        if (text.startsWith(token, at)) {
            at += token.length();
            return true;
        }
        return false;
    }

    private void expect(String token) {
        if (!take(token)) {
            throw error("expected \"" + token + "\"");
        }
    }

    private void blanks() {
        while (at < text.length() && text.charAt(at) <= ' ') {
            at++;
        }
    }

    private List<JsonPath.Segment> segments() {
        var segments = new ArrayList<JsonPath.Segment>();
        while (at < text.length()) {
            if (text.startsWith("..", at)) {
                at += 2;
                segments.add(new JsonPath.Segment(true, peek('[') ? bracket() : List.of(dotted())));
            } else if (peek('.')) {
                at++;
                segments.add(new JsonPath.Segment(false, List.of(dotted())));
            } else if (peek('[')) {
                segments.add(new JsonPath.Segment(false, bracket()));
            } else {
                break;
            }
        }
        return List.copyOf(segments);
    }

    private JsonPath.Selector dotted() {
        if (peek('*')) {
            at++;
            return new JsonPath.Wildcard();
        }
        return new JsonPath.Member(name());
    }

    private String name() {
        int start = at;
        while (at < text.length()) {
            char c = text.charAt(at);
            if (!Character.isLetterOrDigit(c) && c != '_' && c != '-' && !Character.isSurrogate(c)) {
                break;
            }
            at++;
        }
        if (at == start) {
            throw error("expected a name");
        }
        return text.substring(start, at);
    }

    private List<JsonPath.Selector> bracket() {
        expect("[");
        var selectors = new ArrayList<JsonPath.Selector>();
        do {
            selectors.add(selector());
        } while (take(","));
        expect("]");
        return List.copyOf(selectors);
    }

    private JsonPath.Selector selector() {
        blanks();
        if (peek('\'') || peek('"')) {
            return new JsonPath.Member(string());
        }
        if (take("*")) {
            return new JsonPath.Wildcard();
        }
        if (take("?")) {
            return new JsonPath.Filter(or());
        }
        var first = integer();
        if (!take(":")) {
            if (first == null) {
                throw error("expected a name in quotes, a number, \"*\" or \"?\"");
            }
            return new JsonPath.Index(first);
        }
        var last = integer();
        var step = take(":") ? integer() : null;
        return new JsonPath.Slice(first, last, step == null ? 1 : step);
    }

    private @Nullable Long integer() {
        blanks();
        int start = at;
        if (peek('-')) {
            at++;
        }
        while (at < text.length() && Character.isDigit(text.charAt(at))) {
            at++;
        }
        if (at == start) {
            return null;
        }
        try {
            return Long.valueOf(text.substring(start, at));
        } catch (NumberFormatException e) {
            throw error("expected a number");
        }
    }

    private String string() {
        char quote = text.charAt(at++);
        var out = new StringBuilder();
        while (at < text.length() && text.charAt(at) != quote) {
            char c = text.charAt(at++);
            if (c == '\\') {
                if (at == text.length()) {
                    break;
                }
                out.append(escape(text.charAt(at++)));
            } else {
                out.append(c);
            }
        }
        if (at == text.length()) {
            throw error("expected the closing quote");
        }
        at++;
        return out.toString();
    }

    private char escape(char c) {
        return switch (c) {
            case 'n' -> '\n';
            case 't' -> '\t';
            case 'r' -> '\r';
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'u' -> {
                if (at + 4 > text.length()) {
                    throw error("expected four hexadecimal digits");
                }
                try {
                    char unit = (char) Integer.parseInt(text, at, at + 4, 16);
                    at += 4;
                    yield unit;
                } catch (NumberFormatException e) {
                    throw error("expected four hexadecimal digits");
                }
            }
            default -> c;
        };
    }

    private JsonPath.Condition or() {
        if (++depth > DEPTH_MAX) {
            throw error("nested more than " + DEPTH_MAX + " deep");
        }
        var condition = and();
        while (take("||")) {
            condition = new JsonPath.Or(condition, and());
        }
        depth--;
        return condition;
    }

    private JsonPath.Condition and() {
        var condition = unary();
        while (take("&&")) {
            condition = new JsonPath.And(condition, unary());
        }
        return condition;
    }

    private JsonPath.Condition unary() {
        blanks();
        if (peek('!') && !text.startsWith("!=", at)) {
            at++;
            if (++depth > DEPTH_MAX) {
                throw error("nested more than " + DEPTH_MAX + " deep");
            }
            var inner = unary();
            depth--;
            return new JsonPath.Not(inner);
        }
        if (take("(")) {
            var inner = or();
            expect(")");
            return inner;
        }
        var left = operand();
        for (var operator : List.of("==", "!=", "<=", ">=", "<", ">")) {
            if (take(operator)) {
                return new JsonPath.Compare(left, operator, operand());
            }
        }
        if (left instanceof JsonPath.Query query) {
            return new JsonPath.Exists(query);
        }
        throw error("expected a comparison");
    }

    private JsonPath.Operand operand() {
        blanks();
        if (peek('@') || peek('$')) {
            return query();
        }
        if (take("length(")) {
            if (++depth > DEPTH_MAX) {
                throw error("nested more than " + DEPTH_MAX + " deep");
            }
            var of = operand();
            depth--;
            expect(")");
            return new JsonPath.Length(of);
        }
        if (take("count(")) {
            blanks();
            var of = query();
            expect(")");
            return new JsonPath.Count(of);
        }
        return new JsonPath.Literal(literal());
    }

    private JsonPath.Query query() {
        if (!peek('@') && !peek('$')) {
            throw error("expected \"@\" or \"$\"");
        }
        boolean fromRoot = text.charAt(at++) == '$';
        return new JsonPath.Query(fromRoot, segments());
    }

    private JsonNode literal() {
        if (peek('\'') || peek('"')) {
            return TextNode.valueOf(string());
        }
        if (take("true")) {
            return BooleanNode.TRUE;
        }
        if (take("false")) {
            return BooleanNode.FALSE;
        }
        if (take("null")) {
            return NullNode.getInstance();
        }
        int start = at;
        while (at < text.length() && "+-.0123456789eE".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        var digits = text.substring(start, at);
        try {
            return digits.matches("-?\\d{1,18}")
                    ? LongNode.valueOf(Long.parseLong(digits))
                    : DoubleNode.valueOf(Double.parseDouble(digits));
        } catch (NumberFormatException e) {
            throw error("expected a value");
        }
    }
}
