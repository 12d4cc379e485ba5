package dev.coppice.gateway.cache;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * For which requests an answer is, by fields that its {@code Vary} names (RFC 9111, 4.1). Immutable.
 *
 * @param names in lower case
 * @param values of the request that it was an answer to, one for each name; spaces around commas do not count
 */
public record Vary(List<String> names, List<String> values) {
    private static final String ABSENT = "\0";

    /**
     * Null: it is for no other request, or the names are too many, or are none.
     *
     * @param always names by which it differs whatever it says
     * @param most names that it may say
     */
    static @Nullable Vary of(FieldValues answer, FieldValues request, List<String> always, int most) {
        List<String> names = new ArrayList<>(always);
        for (String line : answer.all("vary")) {
            for (String each : line.split(",", -1)) {
                String name = each.strip().toLowerCase(Locale.ROOT);
                if (name.isEmpty() || names.contains(name)) {
                    continue;
                }
                if (name.equals("*") || !Syntax.token(name) || names.size() == always.size() + most) {
                    return null;
                }
                names.add(name);
            }
        }
        // An endpoint that encodes and does not say that it chose would give one client's encoding to all.
        String encoding = answer.joined("content-encoding");
        if (encoding != null && !encoding.equalsIgnoreCase("identity") && !names.contains("accept-encoding")) {
            names.add("accept-encoding");
        }
        return new Vary(
                List.copyOf(names),
                names.stream().map(each -> normal(each, request)).toList());
    }

    /** Whether the answer is for this request, too. */
    boolean matches(FieldValues request) {
        return matches(request, new HashMap<>());
    }

    /** @param known what was read of the request for other answers; what is read for this one is added */
    boolean matches(FieldValues request, Map<String, String> known) {
        for (int i = 0; i < names.size(); i++) {
            if (!values.get(i).equals(known.computeIfAbsent(names.get(i), each -> normal(each, request)))) {
                return false;
            }
        }
        return true;
    }

    /** Whether it has these names, and the values that this request has. */
    boolean agrees(List<String> some, FieldValues request) {
        for (String each : some) {
            int at = names.indexOf(each);
            if (at < 0 || !values.get(at).equals(normal(each, request))) {
                return false;
            }
        }
        return true;
    }

    private static String normal(String name, FieldValues request) {
        List<String> lines = request.all(name);
        if (lines.isEmpty()) {
            return ABSENT;
        }
        String joined = lines.size() == 1 ? lines.getFirst() : String.join(",", lines);
        if (joined.indexOf(',') < 0) {
            return joined.strip();
        }
        StringBuilder normal = new StringBuilder(joined.length());
        for (String each : joined.split(",", -1)) {
            String element = each.strip();
            if (!element.isEmpty()) {
                normal.append(normal.isEmpty() ? "" : ",").append(element);
            }
        }
        return normal.toString();
    }

    int bytes() {
        return 2 * 48 * names.size() + values.stream().mapToInt(String::length).sum();
    }
}
