package dev.coppice.probe;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.TextNode;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import dev.coppice.expression.BoundedPattern;
import dev.coppice.probe.InvalidProbeException.FieldError;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Compiled assertions. Immutable, safe for use by many threads; each costs linear time, or a bounded number of steps. */
final class AssertionSet {
    private static final int REGEX_LENGTH_MAX = 1024;

    /** Characters and operators of a regular expression after its repeats are written out. */
    private static final int REGEX_LARGEST = 10_000;

    private static final long REGEX_STEPS_MAX = 1_000_000_000;
    private static final int ASSERTIONS_MAX = 64;

    /** JSON is only parsed by those who ask for it; so is the mapper only loaded then. */
    private static final class Json {
        static final JsonMapper MAPPER = JsonMapper.builder(com.fasterxml.jackson.core.JsonFactory.builder()
                        .streamReadConstraints(StreamReadConstraints.builder()
                                .maxNestingDepth(200)
                                .build())
                        .build())
                .build();
    }

    /** What assertions look at. One per answer. */
    static final class Answer {
        private final int status;
        private final String version;
        private final Map<String, String> headers;
        private final BodySink body;
        private final double durationSeconds;
        private @Nullable String text;
        private @Nullable JsonNode json;

        Answer(int status, String version, Map<String, String> headers, BodySink body, double durationSeconds) {
            this.status = status;
            this.version = version;
            this.headers = headers;
            this.body = body;
            this.durationSeconds = durationSeconds;
        }

        int status() {
            return status;
        }

        String version() {
            return version;
        }

        Map<String, String> headers() {
            return headers;
        }

        double durationSeconds() {
            return durationSeconds;
        }

        String text() {
            var known = text;
            if (known == null) {
                known = body.text();
                text = known;
            }
            return known;
        }

        JsonNode json() throws Unmet {
            var known = json;
            if (known == null) {
                if (body.truncated()) {
                    throw new Unmet("the body is larger than the limit");
                }
                try {
                    known = Json.MAPPER.readTree(body.kept(), 0, body.length());
                } catch (java.io.IOException e) {
                    throw new Unmet("the body is not JSON");
                }
                if (known.isMissingNode()) {
                    throw new Unmet("the body is empty");
                }
                json = known;
            }
            return known;
        }

        boolean truncated() {
            return body.truncated();
        }
    }

    /** Says what was found instead. */
    static final class Unmet extends Exception {
        private static final long serialVersionUID = 1;

        Unmet(String detail) {
            super(detail, null, false, false);
        }
    }

    /** A compiled assertion; throws when it does not hold. */
    @FunctionalInterface
    interface Check {
        void test(Answer answer) throws Unmet;
    }

    private record Entry(Assertion assertion, Check check, boolean needsBody) {}

    private final List<Entry> entries;
    private final boolean needsBody;

    private AssertionSet(List<Entry> entries) {
        this.entries = entries;
        this.needsBody = entries.stream().anyMatch(Entry::needsBody);
    }

    boolean isEmpty() {
        return entries.isEmpty();
    }

    boolean needsBody() {
        return needsBody;
    }

    /** Compiles; adds to the errors what is wrong. */
    static AssertionSet of(List<Assertion> assertions, List<FieldError> errors) {
        var entries = new ArrayList<Entry>();
        if (assertions.size() > ASSERTIONS_MAX) {
            errors.add(new FieldError("assertions", "at most " + ASSERTIONS_MAX + ", not " + assertions.size()));
            return new AssertionSet(List.of());
        }
        for (int i = 0; i < assertions.size(); i++) {
            var field = "assertions[" + i + "]";
            var assertion = assertions.get(i);
            try {
                entries.add(new Entry(assertion, compile(assertion), !(assertion instanceof Assertion.HeaderMatches)));
            } catch (IllegalArgumentException e) {
                errors.add(new FieldError(field, String.valueOf(e.getMessage())));
            }
        }
        return new AssertionSet(List.copyOf(entries));
    }

    private static Check compile(Assertion assertion) {
        return switch (assertion) {
            case Assertion.BodyContains a -> contains(a);
            case Assertion.BodyMatches a -> matches(a);
            case Assertion.HeaderMatches a -> header(a);
            case Assertion.JsonPathValue a -> jsonPath(a);
            case Assertion.Expression a -> CelCheck.compile(a.cel());
        };
    }

    /**
     * Compiles a regular expression.
     *
     * @throws IllegalArgumentException in words for the user
     */
    static Pattern regex(String text) {
        if (text.length() > REGEX_LENGTH_MAX) {
            throw new IllegalArgumentException("a regular expression has at most " + REGEX_LENGTH_MAX + " characters");
        }
        try {
            return BoundedPattern.compile(text, REGEX_LARGEST);
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException(
                    "\"" + text + "\" is no regular expression in RE2's syntax: " + e.getDescription(), e);
        }
    }

    private static Check contains(Assertion.BodyContains a) {
        return answer -> {
            boolean found = answer.text().contains(a.text());
            requireWhole(answer, found);
            if (found == a.negated()) {
                throw new Unmet(
                        (found ? "the body contains \"" : "the body does not contain \"") + brief(a.text()) + "\"");
            }
        };
    }

    private static Check matches(Assertion.BodyMatches a) {
        var pattern = regex(a.regex());
        return answer -> {
            // Time is the product of both, and nothing can interrupt a search.
            if ((long) answer.text().length() * pattern.programSize() > REGEX_STEPS_MAX) {
                throw new Unmet("the regular expression \"" + brief(a.regex()) + "\" is too big for a body of "
                        + answer.text().length() + " characters; use smaller repetition counts, or read less of it");
            }
            boolean found = pattern.matcher(answer.text()).find();
            requireWhole(answer, found);
            if (found == a.negated()) {
                throw new Unmet(
                        (found ? "the body matches \"" : "the body does not match \"") + brief(a.regex()) + "\"");
            }
        };
    }

    /** What is not found in the beginning of a body may still be in the rest. */
    private static void requireWhole(Answer answer, boolean found) throws Unmet {
        if (!found && answer.truncated()) {
            throw new Unmet("the body is larger than the limit, and nothing was found in its beginning");
        }
    }

    private static Check header(Assertion.HeaderMatches a) {
        var pattern = regex(a.regex());
        var name = a.header().toLowerCase(Locale.ROOT);
        return answer -> {
            var value = answer.headers().get(name);
            if (value == null) {
                if (a.allowMissing()) {
                    return;
                }
                throw new Unmet("there is no header " + a.header());
            }
            boolean found = pattern.matcher(value).find();
            if (found == a.negated()) {
                throw new Unmet("the header " + a.header() + " is \"" + brief(value) + "\"");
            }
        };
    }

    private static Check jsonPath(Assertion.JsonPathValue a) {
        var path = JsonPath.compile(a.path());
        var expected = value(a.expected());
        var pattern = a.comparison() == Assertion.Comparison.MATCHES ? regex(a.expected()) : null;
        return answer -> {
            List<JsonNode> found;
            try {
                found = path.select(answer.json());
            } catch (JsonPath.TooCostlyException e) {
                throw new Unmet(String.valueOf(e.getMessage()));
            }
            if (a.comparison() == Assertion.Comparison.ABSENT) {
                if (!found.isEmpty()) {
                    throw new Unmet(a.path() + " is " + brief(found.getFirst().toString()));
                }
                return;
            }
            if (found.isEmpty()) {
                throw new Unmet(a.path() + " selects nothing");
            }
            for (var each : found) {
                boolean holds = pattern != null
                        ? pattern.matcher(each.isTextual() ? each.textValue() : each.toString())
                                .find()
                        : compare(each, a.comparison(), expected);
                if (!holds) {
                    throw new Unmet(a.path() + " is " + brief(each.toString()));
                }
            }
        };
    }

    private static JsonNode value(String text) {
        try {
            var node = Json.MAPPER.readTree(text);
            return node == null || node.isMissingNode() ? TextNode.valueOf(text) : node;
        } catch (JsonProcessingException e) {
            return TextNode.valueOf(text);
        }
    }

    private static boolean compare(JsonNode found, Assertion.Comparison comparison, JsonNode expected) {
        return switch (comparison) {
            case EQUAL -> JsonPath.equal(found, expected) || sameText(found, expected);
            case NOT_EQUAL -> !JsonPath.equal(found, expected) && !sameText(found, expected);
            case LESS -> JsonPath.less(found, expected);
            case LESS_OR_EQUAL -> JsonPath.less(found, expected) || JsonPath.equal(found, expected);
            case GREATER -> JsonPath.less(expected, found);
            case GREATER_OR_EQUAL -> JsonPath.less(expected, found) || JsonPath.equal(found, expected);
            case PRESENT -> true;
            case MATCHES, ABSENT -> false;
        };
    }

    /** A string that looks like a number equals the number's text: who writes 42 means "42", too. */
    private static boolean sameText(JsonNode found, JsonNode expected) {
        return found.isTextual() && expected.isValueNode() && found.textValue().equals(expected.asText());
    }

    /** How each turned out, in order. */
    List<AssertionOutcome> evaluate(Answer answer) {
        if (entries.isEmpty()) {
            return List.of();
        }
        var outcomes = new ArrayList<AssertionOutcome>(entries.size());
        for (var entry : entries) {
            try {
                entry.check().test(answer);
                outcomes.add(new AssertionOutcome(entry.assertion(), true, ""));
            } catch (Unmet e) {
                outcomes.add(new AssertionOutcome(entry.assertion(), false, String.valueOf(e.getMessage())));
            }
        }
        return List.copyOf(outcomes);
    }

    private static String brief(String text) {
        return text.length() <= 100 ? text : text.substring(0, 100) + "…";
    }
}
