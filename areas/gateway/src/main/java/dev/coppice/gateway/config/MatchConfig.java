package dev.coppice.gateway.config;

import java.util.List;

/**
 * A condition on a request; all of its parts have to hold. Immutable.
 *
 * @param method such as {@code GET}; empty for any
 * @param headers each name at most once, in lower case
 * @param queryParams each name at most once
 */
public record MatchConfig(PathMatch path, String method, List<ValueMatch> headers, List<ValueMatch> queryParams) {

    /** Any request. */
    public static final MatchConfig ANY = new MatchConfig(PathMatch.ANY, "", List.of(), List.of());

    public MatchConfig {
        headers = List.copyOf(headers);
        queryParams = List.copyOf(queryParams);
    }

    /** How a path, as the request has it but for dot segments and needless escapes, is compared. */
    public record PathMatch(Type type, String value) {
        public static final PathMatch ANY = new PathMatch(Type.PREFIX, "/");

        public enum Type {
            EXACT,
            /** Whole segments: {@code /a} is a prefix of {@code /a/b} and not of {@code /ab}. */
            PREFIX,
            /** RE2 syntax; the whole path has to match. */
            REGEX
        }
    }

    /** How the value of a header or query parameter is compared. */
    public record ValueMatch(Type type, String name, String value) {
        public enum Type {
            EXACT,
            /** RE2 syntax; the whole value has to match. */
            REGEX
        }
    }
}
