package dev.coppice.gateway.route;

import com.google.re2j.Pattern;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.MatchConfig.PathMatch;
import dev.coppice.gateway.config.MatchConfig.ValueMatch;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Why a match does not match a request, in words. The table finds what does; this is for people who expected something else. */
public final class Misfit {

    private Misfit() {}

    /** The first condition that does not hold; null when all do. */
    public static @Nullable String of(MatchConfig match, RequestHead request) {
        if (!path(match.path(), request.path())) {
            return switch (match.path().type()) {
                        case EXACT -> "the path is not ";
                        case PREFIX -> "the path does not begin with ";
                        case REGEX -> "the path does not match ";
                    }
                    + match.path().value();
        }
        if (!match.method().isEmpty() && !match.method().equals(request.method())) {
            return "the method is not " + match.method();
        }
        String header = value("header", match.headers(), request::header);
        return header == null ? value("query parameter", match.queryParams(), request::queryParam) : header;
    }

    private static boolean path(PathMatch match, String path) {
        return switch (match.type()) {
            case EXACT -> path.equals(match.value());
            case REGEX -> Pattern.matches(match.value(), path);
            case PREFIX -> {
                String prefix = Candidate.bare(match.value());
                yield path.startsWith(prefix)
                        && (path.length() == prefix.length() || path.charAt(prefix.length()) == '/');
            }
        };
    }

    private static @Nullable String value(
            String what, List<ValueMatch> matches, Function<String, @Nullable String> given) {
        for (ValueMatch each : matches) {
            String value = given.apply(each.name());
            String name = what + " " + each.name();
            if (value == null) {
                return "there is no " + name;
            }
            boolean regex = each.type() == ValueMatch.Type.REGEX;
            if (regex ? !Pattern.matches(each.value(), value) : !value.equals(each.value())) {
                return "the " + name + (regex ? " does not match " : " is not ") + each.value();
            }
        }
        return null;
    }
}
