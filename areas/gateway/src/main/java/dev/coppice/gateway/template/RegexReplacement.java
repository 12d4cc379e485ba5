package dev.coppice.gateway.template;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What stands in place of everything that a regular expression matches: a text in which <code>\1</code> to <code>\9</code> are groups,
 * <code>\0</code> is all of the match and <code>\\</code> is a backslash, as in RE2 and Envoy. To look for one match takes time in proportion to what is left of the text, and the sum of that over
 * all matches has a bound. Immutable, safe for use by many threads.
 */
public final class RegexReplacement {
    /** Characters that may be looked at, when each search goes to the end: more than texts of 500 characters can ask for. */
    private static final int MOST_WORK = 256 << 10;

    private final Pattern pattern;
    /** What stands before each group, and behind the last one. */
    private final List<String> literals = new ArrayList<>();

    private final List<Integer> groups = new ArrayList<>();

    private RegexReplacement(Pattern pattern) {
        this.pattern = pattern;
    }

    /**
     * Compiles one.
     *
     * @param pattern one that was found good
     * @param problems gets all that is wrong with the substitution
     * @param field begins what is said of that
     */
    public static RegexReplacement compile(String pattern, String substitution, List<String> problems, String field) {
        RegexReplacement made = new RegexReplacement(Pattern.compile(pattern));
        int count = made.pattern.groupCount();
        StringBuilder literal = new StringBuilder();
        for (int i = 0; i < substitution.length(); i++) {
            char c = substitution.charAt(i);
            if (c != '\\') {
                literal.append(c);
                continue;
            }
            i++;
            char next = i < substitution.length() ? substitution.charAt(i) : ' ';
            if (next == '\\') {
                literal.append('\\');
            } else if (next >= '0' && next <= '9' && next - '0' <= count) {
                made.literals.add(literal.toString());
                made.groups.add(next - '0');
                literal.setLength(0);
            } else {
                problems.add(field + "\"\\" + (next == ' ' ? "" : next) + "\" at character " + i
                        + ": expected \\\\ or one of the pattern's " + count + " groups, such as \\1");
            }
        }
        made.literals.add(literal.toString());
        return made;
    }

    /**
     * The text with everything replaced that matches.
     *
     * @return null when it would have more than so many characters, or has more matches than a text of its length may have
     */
    public @Nullable String apply(String text, int most) {
        Matcher found = pattern.matcher(text);
        StringBuilder all = new StringBuilder();
        int at = 0;
        int work = 0;
        while (found.find()) {
            work += text.length() - at;
            if (work > MOST_WORK) {
                return null;
            }
            all.append(text, at, found.start());
            for (int i = 0; i < groups.size(); i++) {
                String group = found.group(groups.get(i));
                all.append(literals.get(i)).append(group == null ? "" : group);
                if (all.length() > most) {
                    return null;
                }
            }
            all.append(literals.getLast());
            at = found.end();
            if (all.length() > most) {
                return null;
            }
        }
        if (at == 0 && all.isEmpty()) {
            return text;
        }
        return all.length() + text.length() - at > most
                ? null
                : all.append(text, at, text.length()).toString();
    }
}
