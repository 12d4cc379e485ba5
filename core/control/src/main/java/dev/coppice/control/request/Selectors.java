package dev.coppice.control.request;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;

/** Label and field selectors in Kubernetes' syntax (apimachinery: labels/selector.go, fields/selector.go). */
public final class Selectors {
    private Selectors() {}

    /** Decides by labels. Immutable. */
    public record LabelSelector(List<Requirement> requirements) {
        public static final LabelSelector ANY = new LabelSelector(List.of());

        public boolean matches(Map<String, String> labels) {
            for (Requirement r : requirements) {
                if (!r.matches(labels)) {
                    return false;
                }
            }
            return true;
        }

        public boolean isEmpty() {
            return requirements.isEmpty();
        }
    }

    /** How a key must relate to values. */
    public enum Operator {
        IN,
        NOT_IN,
        EXISTS,
        DOES_NOT_EXIST,
        GREATER,
        LESS
    }

    /** One term of a label selector. */
    public record Requirement(String key, Operator operator, Set<String> values) {
        boolean matches(Map<String, String> labels) {
            String value = labels.get(key);
            return switch (operator) {
                case IN -> value != null && values.contains(value);
                case NOT_IN -> value == null || !values.contains(value);
                case EXISTS -> value != null;
                case DOES_NOT_EXIST -> value == null;
                case GREATER -> value != null && compare(value) > 0;
                case LESS -> value != null && compare(value) < 0;
            };
        }

        private int compare(String value) {
            try {
                return Long.compare(
                        Long.parseLong(value), Long.parseLong(values.iterator().next()));
            } catch (NumberFormatException e) {
                return 0;
            }
        }
    }

    /** One term of a field selector. */
    public record FieldTerm(String field, boolean equal, String value) {}

    /** Decides by fields. Immutable. */
    public record FieldSelector(List<FieldTerm> terms) {
        public static final FieldSelector ANY = new FieldSelector(List.of());

        public boolean matches(UnaryOperator<String> fields) {
            for (FieldTerm t : terms) {
                if (t.equal != t.value.equals(fields.apply(t.field))) {
                    return false;
                }
            }
            return true;
        }

        public boolean isEmpty() {
            return terms.isEmpty();
        }

        /** The value that {@code field} must have, or empty. */
        public String required(String field) {
            for (FieldTerm t : terms) {
                if (t.equal && t.field.equals(field)) {
                    return t.value;
                }
            }
            return "";
        }
    }

    public static LabelSelector labels(String text) {
        if (text.isBlank()) {
            return LabelSelector.ANY;
        }
        return new Parser(text).parse();
    }

    public static FieldSelector fields(String text) {
        if (text.isEmpty()) {
            return FieldSelector.ANY;
        }
        List<FieldTerm> terms = new ArrayList<>();
        for (String part : splitTerms(text)) {
            if (part.isEmpty()) {
                continue;
            }
            terms.add(term(text, part));
        }
        return new FieldSelector(List.copyOf(terms));
    }

    private static FieldTerm term(String whole, String part) {
        for (int i = 0; i < part.length(); i++) {
            if (part.startsWith("!=", i)) {
                return new FieldTerm(part.substring(0, i), false, unescape(part.substring(i + 2)));
            }
            if (part.startsWith("==", i)) {
                return new FieldTerm(part.substring(0, i), true, unescape(part.substring(i + 2)));
            }
            if (part.charAt(i) == '=') {
                return new FieldTerm(part.substring(0, i), true, unescape(part.substring(i + 1)));
            }
        }
        throw Statuses.badRequest("invalid selector: '" + whole + "'; can't understand '" + part + "'");
    }

    private static List<String> splitTerms(String text) {
        List<String> result = new ArrayList<>();
        int start = 0;
        boolean escaped = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (escaped) {
                escaped = false;
            } else if (c == '\\') {
                escaped = true;
            } else if (c == ',') {
                result.add(text.substring(start, i));
                start = i + 1;
            }
        }
        result.add(text.substring(start));
        return result;
    }

    private static String unescape(String value) {
        if (value.indexOf('\\') < 0) {
            return value;
        }
        StringBuilder result = new StringBuilder();
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '\\') {
                if (++i >= value.length() || "\\,=".indexOf(value.charAt(i)) < 0) {
                    throw Statuses.badRequest("invalid field selector: invalid escape sequence in value: " + value);
                }
                c = value.charAt(i);
            }
            result.append(c);
        }
        return result.toString();
    }

    /** The recursive-descent parser of label selectors. */
    private static final class Parser {
        private final List<String> tokens = new ArrayList<>();
        private int at;

        Parser(String text) {
            int i = 0;
            while (i < text.length()) {
                char c = text.charAt(i);
                if (Character.isWhitespace(c)) {
                    i++;
                } else if ("=!<>(),".indexOf(c) >= 0) {
                    String symbol = String.valueOf(c);
                    if ((text.startsWith("==", i) || text.startsWith("!=", i))) {
                        symbol = text.substring(i, i + 2);
                    }
                    tokens.add(symbol);
                    i += symbol.length();
                } else {
                    int start = i;
                    while (i < text.length()
                            && !Character.isWhitespace(text.charAt(i))
                            && "=!<>(),".indexOf(text.charAt(i)) < 0) {
                        i++;
                    }
                    tokens.add(text.substring(start, i));
                }
            }
        }

        private String peek() {
            return at < tokens.size() ? tokens.get(at) : "";
        }

        private String next() {
            return at < tokens.size() ? tokens.get(at++) : "";
        }

        private static boolean word(String token) {
            return !token.isEmpty() && "=!<>(),".indexOf(token.charAt(0)) < 0;
        }

        LabelSelector parse() {
            List<Requirement> result = new ArrayList<>();
            while (true) {
                String token = peek();
                if (word(token) || token.equals("!")) {
                    result.add(requirement());
                    String after = next();
                    if (after.isEmpty()) {
                        return new LabelSelector(List.copyOf(result));
                    }
                    if (!after.equals(",")) {
                        throw Statuses.badRequest("found '" + after + "', expected: ',' or 'end of string'");
                    }
                    String following = peek();
                    if (!word(following) && !following.equals("!")) {
                        throw Statuses.badRequest("found '" + following + "', expected: identifier after ','");
                    }
                } else if (token.isEmpty()) {
                    return new LabelSelector(List.copyOf(result));
                } else {
                    throw Statuses.badRequest("found '" + token + "', expected: !, identifier, or 'end of string'");
                }
            }
        }

        private static dev.coppice.control.ApiException unparsed(String why) {
            return Statuses.badRequest("unable to parse requirement: " + why);
        }

        private Requirement requirement() {
            boolean absent = false;
            if (peek().equals("!")) {
                next();
                absent = true;
            }
            String key = next();
            if (!word(key)) {
                throw unparsed("found '" + key + "', expected: identifier");
            }
            List<String> wrong = Names.qualifiedName(key);
            if (!wrong.isEmpty()) {
                throw unparsed("key: Invalid value: " + Statuses.quote(key) + ": " + String.join("; ", wrong));
            }
            String following = peek();
            if (following.isEmpty() || following.equals(",")) {
                return new Requirement(key, absent ? Operator.DOES_NOT_EXIST : Operator.EXISTS, Set.of());
            }
            if (absent) {
                return new Requirement(key, Operator.DOES_NOT_EXIST, Set.of());
            }
            String operator = next();
            return switch (operator) {
                case "in" -> new Requirement(key, Operator.IN, valuesOf(key));
                case "notin" -> new Requirement(key, Operator.NOT_IN, valuesOf(key));
                case "=", "==" -> new Requirement(key, Operator.IN, exact(key));
                case "!=" -> new Requirement(key, Operator.NOT_IN, exact(key));
                case ">", "gt" -> new Requirement(key, Operator.GREATER, number(key));
                case "<", "lt" -> new Requirement(key, Operator.LESS, number(key));
                default -> throw unparsed("found '" + operator + "', expected: in, notin, =, ==, !=, gt, lt");
            };
        }

        private Set<String> number(String key) {
            Set<String> value = exact(key);
            try {
                long ignored = Long.parseLong(value.iterator().next());
                assert ignored <= Long.MAX_VALUE;
            } catch (NumberFormatException e) {
                throw unparsed("values[0][" + key + "]: Invalid value: "
                        + Statuses.quote(value.iterator().next())
                        + ": for 'Gt', 'Lt' operators, the value must be an integer");
            }
            return value;
        }

        private Set<String> exact(String key) {
            String token = peek();
            if (token.isEmpty() || token.equals(",")) {
                return Set.of("");
            }
            if (!word(token)) {
                throw unparsed("found '" + token + "', expected: identifier");
            }
            return Set.of(checked(key, next()));
        }

        private static String checked(String key, String value) {
            List<String> wrong = Names.labelValue(value);
            if (!wrong.isEmpty()) {
                throw unparsed("values[0][" + key + "]: Invalid value: " + Statuses.quote(value) + ": "
                        + String.join("; ", wrong));
            }
            return value;
        }

        private Set<String> valuesOf(String key) {
            String open = next();
            if (!open.equals("(")) {
                throw unparsed("found '" + open + "' expected: '('");
            }
            Set<String> values = new TreeSet<>();
            String last = "(";
            while (true) {
                String token = next();
                if (token.equals(")")) {
                    if (last.equals(",") || last.equals("(")) {
                        values.add("");
                    }
                    return new HashSet<>(values);
                } else if (token.equals(",")) {
                    if (last.equals(",") || last.equals("(")) {
                        values.add("");
                    }
                } else if (word(token)) {
                    values.add(checked(key, token));
                    String following = peek();
                    if (!following.equals(",") && !following.equals(")")) {
                        throw unparsed("found '" + following + "', expected: ',' or ')'");
                    }
                } else {
                    throw unparsed("found '" + token + "', expected: ',', or identifier");
                }
                last = token;
            }
        }
    }

    /** A {@code metav1.LabelSelector} tree, such as that of a policy's namespaceSelector. */
    public static LabelSelector labels(com.fasterxml.jackson.databind.JsonNode selector) {
        List<Requirement> result = new ArrayList<>();
        Json.strings(selector.path("matchLabels"))
                .forEach((k, v) -> result.add(new Requirement(k, Operator.IN, Set.of(v))));
        for (var e : selector.path("matchExpressions")) {
            Set<String> values = new HashSet<>(Json.list(e.path("values")));
            Operator operator = switch (e.path("operator").asText()) {
                case "In" -> Operator.IN;
                case "NotIn" -> Operator.NOT_IN;
                case "Exists" -> Operator.EXISTS;
                default -> Operator.DOES_NOT_EXIST;
            };
            result.add(new Requirement(e.path("key").asText(), operator, values));
        }
        return new LabelSelector(List.copyOf(result));
    }
}
