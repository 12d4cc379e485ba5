package dev.coppice.schema;

import com.google.re2j.Pattern;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Predicate;

/** The string formats that Kubernetes checks; others pass. Expressions run in linear time. */
final class Formats {
    private static final String OCTET = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";

    private Formats() {}

    /** The checks by format, made on first use. */
    private static final class Checks {
        static final Map<String, Predicate<String>> BY_NAME = checks();

        private static Map<String, Predicate<String>> checks() {
            Map<String, Predicate<String>> all = new HashMap<>();
            all.put("date-time", Formats::dateTime);
            all.put("datetime", Formats::dateTime);
            all.put("date", Formats::date);
            all.put("duration", text -> GoDuration.parse(text) != null || word(text));
            all.put("ipv4", matching("^" + OCTET + "(\\." + OCTET + "){3}$"));
            all.put("ipv6", Formats::ipv6);
            all.put("cidr", Formats::cidr);
            all.put(
                    "mac",
                    matching("^([0-9A-Fa-f]{2}([:-])([0-9A-Fa-f]{2}[:-]){4}[0-9A-Fa-f]{2}"
                            + "|([0-9A-Fa-f]{4}\\.){2}[0-9A-Fa-f]{4})$"));
            all.put("uri", Formats::uri);
            all.put("email", matching("^[^\\s@<>\"]+@[^\\s@<>\"]+$"));
            all.put(
                    "hostname",
                    text -> text.length() <= 255 && hostname().matcher(text).find());
            String hex = "[0-9a-fA-F]";
            all.put(
                    "uuid",
                    matching("^(?i)" + hex + "{8}-?" + hex + "{4}-?" + hex + "{4}-?" + hex + "{4}-?" + hex + "{12}$"));
            all.put(
                    "uuid3",
                    matching("^" + hex + "{8}-?" + hex + "{4}-?3" + hex + "{3}-?" + hex + "{4}-?" + hex + "{12}$"));
            all.put(
                    "uuid4",
                    matching("^" + hex + "{8}-?" + hex + "{4}-?4" + hex + "{3}-?[89abAB]" + hex + "{3}-?" + hex
                            + "{12}$"));
            all.put(
                    "uuid5",
                    matching("^" + hex + "{8}-?" + hex + "{4}-?5" + hex + "{3}-?[89abAB]" + hex + "{3}-?" + hex
                            + "{12}$"));
            all.put("byte", Formats::base64);
            all.put("bsonobjectid", matching("^[0-9a-fA-F]{24}$"));
            all.put("hexcolor", matching("^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"));
            all.put("isbn", text -> isbn(text, 10) || isbn(text, 13));
            all.put("isbn10", text -> isbn(text, 10));
            all.put("isbn13", text -> isbn(text, 13));
            all.put("creditcard", matching("^[0-9 -]{12,23}$"));
            all.put("ssn", matching("^\\d{3}[- ]?\\d{2}[- ]?\\d{4}$"));
            all.put(
                    "rgbcolor",
                    matching("^rgb\\(\\s*" + OCTET + "\\s*,\\s*" + OCTET + "\\s*,\\s*" + OCTET + "\\s*\\)$"));
            return Map.copyOf(all);
        }

        private static Pattern hostname() {
            return Pattern.compile(
                    "^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\\.?$");
        }

        private static Predicate<String> matching(String expression) {
            Pattern pattern = Pattern.compile(expression);
            return text -> pattern.matcher(text).find();
        }
    }

    static boolean known(String format) {
        return Checks.BY_NAME.containsKey(format);
    }

    static boolean valid(String format, String text) {
        Predicate<String> check = Checks.BY_NAME.get(format);
        return check == null || check.test(text);
    }

    static boolean dateTime(String text) {
        try {
            return OffsetDateTime.parse(text.replace('t', 'T').replace('z', 'Z').replace(' ', 'T')) != null;
        } catch (DateTimeException e) {
            return false;
        }
    }

    private static boolean date(String text) {
        try {
            return LocalDate.parse(text) != null;
        } catch (DateTimeException e) {
            return false;
        }
    }

    /** go-openapi also reads durations in words, such as "3 days". */
    private static boolean word(String text) {
        String[] parts = text.trim().split(" ", -1);
        return parts.length == 2
                && parts[0].chars().allMatch(Character::isDigit)
                && !parts[0].isEmpty()
                && parts[1].matches(
                        "(?i)(nanoseconds?|nanos?|microseconds?|micros?|milliseconds?|millis?|seconds?|secs?"
                                + "|minutes?|mins?|hours?|days?|weeks?)");
    }

    private static boolean ipv6(String text) {
        if (!text.contains(":") || !text.matches("[0-9A-Fa-f:.]{2,45}")) {
            return false;
        }
        int gap = text.indexOf("::");
        if (gap >= 0 && text.indexOf("::", gap + 1) >= 0) {
            return false;
        }
        String[] groups = text.split(":", -1);
        int count = 0;
        for (int i = 0; i < groups.length; i++) {
            String group = groups[i];
            if (group.contains(".")) {
                if (i != groups.length - 1 || !valid("ipv4", group)) {
                    return false;
                }
                count += 2;
            } else if (group.length() > 4) {
                return false;
            } else if (!group.isEmpty()) {
                count++;
            } else if (gap < 0) {
                return false;
            }
        }
        boolean edges =
                (!text.startsWith(":") || text.startsWith("::")) && (!text.endsWith(":") || text.endsWith("::"));
        return edges && (gap >= 0 ? count < 8 : count == 8);
    }

    private static boolean cidr(String text) {
        int slash = text.indexOf('/');
        if (slash < 0 || !text.substring(slash + 1).matches("\\d{1,3}")) {
            return false;
        }
        String address = text.substring(0, slash);
        int bits = Integer.parseInt(text.substring(slash + 1));
        return valid("ipv4", address) && bits <= 32 || ipv6(address) && bits <= 128;
    }

    private static boolean uri(String text) {
        try {
            URI uri = new URI(text);
            return uri.isAbsolute() || text.startsWith("/");
        } catch (URISyntaxException e) {
            return false;
        }
    }

    private static boolean base64(String text) {
        try {
            return Base64.getDecoder().decode(text) != null;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static boolean isbn(String text, int length) {
        String digits = text.replace("-", "").replace(" ", "");
        if (!digits.matches(length == 10 ? "\\d{9}[\\dXx]" : "\\d{13}")) {
            return false;
        }
        int sum = 0;
        for (int i = 0; i < length; i++) {
            int digit = Character.toUpperCase(digits.charAt(i)) == 'X' ? 10 : digits.charAt(i) - '0';
            sum += length == 10 ? digit * (10 - i) : digit * (i % 2 == 0 ? 1 : 3);
        }
        return sum % (length == 10 ? 11 : 10) == 0;
    }
}
