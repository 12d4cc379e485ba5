package dev.coppice.expression;

import static dev.cel.common.types.SimpleType.INT;
import static dev.cel.common.types.SimpleType.STRING;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import dev.cel.common.types.ListType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Regular expressions: CEL's matches, Kubernetes' find and findAll. RE2: the time is linear in the text, whatever the
 * pattern. Compiled patterns are kept, a bounded number of them.
 */
final class Regexes {
    private Regexes() {}

    /** Instructions of the largest compiled pattern. */
    static final int LARGEST_PROGRAM = 10_000;

    private static final int LONGEST_PATTERN = 1_000;
    private static final int PATTERNS_KEPT = 500;

    private static final Map<String, Pattern> PATTERNS = new LinkedHashMap<>(64, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Pattern> eldest) {
            return size() > PATTERNS_KEPT;
        }
    };

    static void addTo(Library library) {
        library.bind("matches", "matches", a -> matches(a), List.of(STRING, STRING));
        library.bind("matches", "matches_string", a -> matches(a), List.of(STRING, STRING));
        library.member("find", "string_find_string", a -> find(a), STRING, STRING, STRING);
        library.member(
                "findAll", "string_find_all_string", a -> findAll(a, -1), ListType.create(STRING), STRING, STRING);
        library.member(
                "findAll",
                "string_find_all_string_int",
                a -> findAll(a, (Long) a[2]),
                ListType.create(STRING),
                STRING,
                STRING,
                INT);
    }

    private static boolean matches(Object[] arguments) {
        return matcher(arguments).find();
    }

    private static String find(Object[] arguments) {
        Matcher matcher = matcher(arguments);
        return matcher.find() ? matcher.group() : "";
    }

    private static List<String> findAll(Object[] arguments, long limit) {
        Matcher matcher = matcher(arguments);
        List<String> found = new ArrayList<>();
        while ((limit < 0 || found.size() < limit) && matcher.find()) {
            found.add(matcher.group());
            Budget.checkSize(found.size());
        }
        return found;
    }

    private static Matcher matcher(Object[] arguments) {
        String text = StringFunctions.text(arguments, 0);
        Pattern pattern = pattern((String) arguments[1]);
        Budget.chargeCurrent((long) text.length() * Math.max(1, pattern.programSize() / 16));
        return pattern.matcher(text);
    }

    private static Pattern pattern(String source) {
        synchronized (PATTERNS) {
            Pattern known = PATTERNS.get(source);
            if (known != null) {
                return known;
            }
        }
        Pattern made = compile(source);
        synchronized (PATTERNS) {
            PATTERNS.put(source, made);
        }
        return made;
    }

    private static Pattern compile(String source) {
        if (source.length() > LONGEST_PATTERN) {
            throw new FunctionException(
                    "the regular expression has " + source.length() + " characters; the most is " + LONGEST_PATTERN);
        }
        try {
            Pattern pattern = BoundedPattern.compile(source, LARGEST_PROGRAM);
            if (pattern.programSize() > LARGEST_PROGRAM) {
                throw new FunctionException("the regular expression `" + source
                        + "` is too big when compiled; use smaller repetition counts");
            }
            return pattern;
        } catch (PatternSyntaxException e) {
            throw new FunctionException("the regular expression `" + source + "` is not valid RE2: " + e.getMessage());
        }
    }
}
