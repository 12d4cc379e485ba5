package dev.coppice.expression;

import static dev.cel.common.types.SimpleType.STRING;

import dev.cel.common.types.ListType;
import dev.cel.common.types.OpaqueType;
import dev.cel.common.types.OptionalType;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;

/** Kubernetes' format library: {@code format.dns1123Label().validate(self.name)} is none, or what is wrong. */
final class Formats {
    private Formats() {}

    static final String TYPE_NAME = "kubernetes.NamedFormat";
    private static final OpaqueType FORMAT = OpaqueType.create(TYPE_NAME);

    private static final Pattern LABEL = Pattern.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?");
    private static final Pattern LABEL_1035 = Pattern.compile("[a-z]([-a-z0-9]*[a-z0-9])?");
    private static final Pattern SUBDOMAIN =
            Pattern.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*");
    private static final Pattern NAME = Pattern.compile("([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]");
    private static final Pattern UUID =
            Pattern.compile("(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}");

    private static final Map<String, Format> ALL = all();

    static void addTo(Library library) {
        ALL.forEach((name, format) -> library.global("format." + name, "format_" + name, _ -> format, FORMAT));
        library.global(
                "format.named",
                "format_named",
                a -> Optional.ofNullable(ALL.get((String) a[0])),
                OptionalType.create(FORMAT),
                STRING);
        library.member(
                "validate",
                "format_validate",
                a -> ((Format) a[0]).validate(StringFunctions.text(a, 1)),
                OptionalType.create(ListType.create(STRING)),
                FORMAT,
                STRING);
    }

    /** A named format. */
    static final class Format extends Opaque {
        private final String name;
        private final Function<String, List<String>> check;

        Format(String name, Function<String, List<String>> check) {
            super(FORMAT);
            this.name = name;
            this.check = check;
        }

        Optional<List<String>> validate(String text) {
            List<String> wrong = check.apply(text);
            return wrong.isEmpty() ? Optional.empty() : Optional.of(wrong);
        }

        @Override
        Object content() {
            return name;
        }

        @Override
        public String toString() {
            return name;
        }
    }

    private static Map<String, Format> all() {
        Map<String, Format> all = new LinkedHashMap<>();
        put(
                all,
                "dns1123Label",
                text -> pattern(
                        text,
                        LABEL,
                        63,
                        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"));
        put(
                all,
                "dns1123Subdomain",
                text -> pattern(
                        text,
                        SUBDOMAIN,
                        253,
                        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"));
        put(
                all,
                "dns1035Label",
                text -> pattern(
                        text,
                        LABEL_1035,
                        63,
                        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character"));
        put(
                all,
                "dns1123LabelPrefix",
                text -> pattern(
                        prefix(text),
                        LABEL,
                        63,
                        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"));
        put(
                all,
                "dns1123SubdomainPrefix",
                text -> pattern(
                        prefix(text),
                        SUBDOMAIN,
                        253,
                        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"));
        put(
                all,
                "dns1035LabelPrefix",
                text -> pattern(
                        prefix(text),
                        LABEL_1035,
                        63,
                        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character"));
        put(all, "qualifiedName", Formats::qualifiedName);
        put(
                all,
                "labelValue",
                text -> text.isEmpty()
                        ? List.of()
                        : pattern(
                                text,
                                NAME,
                                63,
                                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"));
        put(
                all,
                "uri",
                text -> parses(() -> new java.net.URI(text).isAbsolute() || text.startsWith("/"), "invalid URI"));
        put(all, "uuid", text -> UUID.matcher(text).matches() ? List.of() : List.of("does not match the UUID format"));
        put(all, "byte", text -> parses(() -> Base64.getDecoder().decode(text).length >= 0, "invalid base64"));
        put(all, "date", text -> parses(() -> LocalDate.parse(text).getYear() >= 0, "invalid date"));
        put(all, "datetime", text -> parses(() -> OffsetDateTime.parse(text).getYear() >= 0, "invalid datetime"));
        return all;
    }

    private static void put(Map<String, Format> all, String name, Function<String, List<String>> check) {
        all.put(name, new Format(name, check));
    }

    private static String prefix(String text) {
        return text.endsWith("-") ? text.substring(0, text.length() - 1) + "a" : text;
    }

    private static List<String> pattern(String text, Pattern pattern, int longest, String message) {
        if (text.length() > longest) {
            return List.of("must be no more than " + longest + " characters");
        }
        return pattern.matcher(text).matches() ? List.of() : List.of(message);
    }

    private static List<String> qualifiedName(String text) {
        int slash = text.indexOf('/');
        String name = text.substring(slash + 1);
        if (slash == 0
                || slash > 0
                        && !pattern(text.substring(0, slash), SUBDOMAIN, 253, "")
                                .isEmpty()) {
            return List.of("prefix part must be a valid DNS subdomain");
        }
        return pattern(
                name,
                NAME,
                63,
                "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character");
    }

    private interface Check {
        boolean run() throws java.net.URISyntaxException;
    }

    private static List<String> parses(Check check, String message) {
        try {
            return check.run() ? List.of() : List.of(message);
        } catch (IllegalArgumentException | DateTimeParseException | java.net.URISyntaxException e) {
            return List.of(message);
        }
    }
}
