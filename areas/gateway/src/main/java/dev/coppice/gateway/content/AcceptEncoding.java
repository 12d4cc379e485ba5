package dev.coppice.gateway.content;

import dev.coppice.gateway.config.ContentConfig.Encoding;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Reads {@code Accept-Encoding} (RFC 9110, 12.5.3). Pure functions. */
public final class AcceptEncoding {
    private static final int MOST_CHARACTERS = 1_024;
    private static final int UNSAID = -1;
    private static final int ONE = 1_000;

    private AcceptEncoding() {}

    /**
     * The encoding that a client likes best of those that are offered; of equals the first that is offered.
     *
     * @param header all its values, with commas between them; null when the client says nothing
     * @return null for none: the body goes as it is
     */
    public static @Nullable Encoding choose(@Nullable String header, List<Encoding> offered) {
        if (header == null || header.length() > MOST_CHARACTERS) {
            return null;
        }
        Encoding best = null;
        int bestWeight = 0;
        for (Encoding each : offered) {
            int weight = weight(header, each.token());
            if (weight > bestWeight) {
                best = each;
                bestWeight = weight;
            }
        }
        int identity = weight(header, "identity");
        // Who likes the body as it is better gets it so. Unsaid, it is the last resort.
        return best == null || identity > bestWeight ? null : best;
    }

    /**
     * The encodings of those that are offered that a client likes as well as the body as it is, or better: the one that it likes best first, of equals in the
     * order in which they are offered.
     *
     * @param header all its values, with commas between them; null when the client says nothing
     */
    public static List<Encoding> ranked(@Nullable String header, List<Encoding> offered) {
        if (header == null || header.length() > MOST_CHARACTERS) {
            return List.of();
        }
        int identity = weight(header, "identity");
        return offered.stream()
                .filter(each -> weight(header, each.token()) > 0 && weight(header, each.token()) >= identity)
                .sorted(Comparator.comparingInt(each -> -weight(header, each.token())))
                .toList();
    }

    /**
     * Whether a client says that it reads what has been encoded so.
     *
     * @param header all its values, with commas between them; null when the client says nothing
     * @param encodings as {@code Content-Encoding} has them
     */
    public static boolean accepts(@Nullable String header, String encodings) {
        if (header == null || header.length() > MOST_CHARACTERS || encodings.length() > MOST_CHARACTERS) {
            return false;
        }
        for (String each : encodings.split(",", -1)) {
            String encoding = each.strip().toLowerCase(Locale.ROOT);
            if (!encoding.isEmpty() && !encoding.equals("identity") && weight(header, encoding) == 0) {
                return false;
            }
        }
        return true;
    }

    /** In thousandths; 0: refused, or not said. */
    private static int weight(String header, String encoding) {
        int said = UNSAID;
        int all = UNSAID;
        for (String element : header.split(",", -1)) {
            int end = element.indexOf(';');
            String name =
                    (end < 0 ? element : element.substring(0, end)).strip().toLowerCase(Locale.ROOT);
            int weight = end < 0 ? ONE : quality(element.substring(end + 1));
            if (name.equals(encoding) || name.equals("x-" + encoding)) {
                said = weight;
            } else if (name.equals("*")) {
                all = weight;
            }
        }
        if (said != UNSAID) {
            return said;
        }
        return all == UNSAID || encoding.equals("identity") ? 0 : all;
    }

    /** A weight that is none counts as 0: whoever sends it does not get what it may not want. */
    private static int quality(String parameters) {
        for (String each : parameters.split(";", -1)) {
            String parameter = each.strip().toLowerCase(Locale.ROOT);
            if (parameter.startsWith("q=")) {
                String value = parameter.substring(2);
                if (!value.matches("0(\\.[0-9]{0,3})?|1(\\.0{0,3})?")) {
                    return 0;
                }
                return (int) Math.round(Double.parseDouble(value) * ONE);
            }
        }
        return ONE;
    }
}
