package dev.coppice.probe;

/** Something that must hold for an answer. Regular expressions are RE2's: they run in linear time. */
public sealed interface Assertion {

    /** The body, read as UTF-8, contains (or, negated, does not contain) a text. */
    record BodyContains(String text, boolean negated) implements Assertion {}

    /** A regular expression is found (or, negated, is not found) in the body. */
    record BodyMatches(String regex, boolean negated) implements Assertion {}

    /**
     * A regular expression is found (or, negated, is not found) in a value of a header.
     *
     * @param allowMissing what an absent header means: true passes
     */
    record HeaderMatches(String header, String regex, boolean negated, boolean allowMissing) implements Assertion {}

    /**
     * What a JSONPath (RFC 9535, see {@link JsonPath}) selects in the body compares to a value. Without matches it fails,
     * except {@link Comparison#ABSENT}. With several matches each must compare.
     *
     * @param expected a JSON value ({@code 3}, {@code true}, {@code "up"}); a text that is no JSON is taken as a string
     */
    record JsonPathValue(String path, Comparison comparison, String expected) implements Assertion {}

    /**
     * A CEL expression over {@code response.status}, {@code response.headers} (lower-case names to values), {@code
     * response.body}, {@code response.json}, {@code response.durationSeconds} and {@code response.httpVersion} is true.
     */
    record Expression(String cel) implements Assertion {}

    /** How a value is compared. */
    enum Comparison {
        EQUAL,
        NOT_EQUAL,
        LESS,
        LESS_OR_EQUAL,
        GREATER,
        GREATER_OR_EQUAL,
        /** The value, as text, is matched by a regular expression. */
        MATCHES,
        /** Something is there. */
        PRESENT,
        /** Nothing is there. */
        ABSENT
    }
}
