package dev.coppice.gateway.template;

import dev.coppice.gateway.log.Escapes;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A text with places for what a request or its answer has. Values are written so that they cannot be more than a value where they stand,
 * whoever chose them: see {@link Use}. Immutable, safe for use by many threads.
 */
public final class Template {
    /** Of one template. */
    public static final int MOST_PARTS = 64;

    private static final String DIGITS = "0123456789ABCDEF";

    /** Where the text is to stand. */
    public enum Use {
        /** A header: whatever is not printable ASCII in a value is escaped as in URLs. */
        HEADER,
        /** A path: values are segments, or parts of such; those of the path itself stay as they are. */
        PATH,
        /** A whole query. */
        QUERY,
        /** The value of a parameter of a query; what is literal has escapes, too. */
        PARAMETER,
        /** A body of JSON, with places within its strings. */
        JSON,
        /** A body of HTML or XML: values are text, or values of attributes in quotes. */
        MARKUP,
        /** Any other body. */
        TEXT
    }

    /**
     * A literal, or a place.
     *
     * @param field null: {@code text} is literal
     * @param text the name in the place, if there is a field
     */
    private record Part(@Nullable TemplateField field, String text) {}

    private final Use use;
    private final List<Part> parts;
    private final boolean ofAnswer;

    private Template(Use use, List<Part> parts) {
        this.use = use;
        this.parts = List.copyOf(parts);
        this.ofAnswer = parts.stream().anyMatch(each -> each.field != null && each.field.ofAnswer());
    }

    /**
     * Compiles a template.
     *
     * @param answer whether it is for an answer, of which it may have fields, too
     * @param segments fields of the path that there are
     * @param problems gets all that is wrong
     * @param field begins what is said of that, such as {@code value: }
     */
    public static Template compile(
            String text, Use use, boolean answer, Set<String> segments, List<String> problems, String field) {
        List<Part> parts = new ArrayList<>();
        boolean oneLine = use == Use.HEADER || use == Use.PATH || use == Use.QUERY || use == Use.PARAMETER;
        TemplateText.read(text, oneLine, problems, field, new TemplateText.Parts() {
            @Override
            public void literal(String literal) {
                StringBuilder written = new StringBuilder();
                switch (use) {
                    case HEADER -> header(written, literal);
                    case PARAMETER -> escape(written, literal);
                    default -> written.append(literal);
                }
                parts.add(new Part(null, written.toString()));
            }

            @Override
            public void place(String place) {
                TemplateField found = TemplateField.of(place);
                if (found == null || found.ofAnswer() && !answer) {
                    problems.add(field + "{" + place + "}: there is no such field; expected one of "
                            + TemplateField.words(answer));
                } else if (found.named() && found.name(place).isEmpty()) {
                    problems.add(field + "{" + place + "}: expected a name behind the dot");
                } else if (found == TemplateField.SEGMENT && !segments.contains(found.name(place))) {
                    problems.add(field + "{" + place + "}: pathTemplate has no such field; it has "
                            + (segments.isEmpty() ? "none" : String.join(", ", segments)));
                } else {
                    parts.add(new Part(found, found.name(place)));
                }
            }
        });
        if (parts.size() > MOST_PARTS) {
            problems.add(field + "there are " + parts.size() + " parts; there may be " + MOST_PARTS);
            parts.clear();
        }
        return new Template(use, parts);
    }

    /** Where the text of a body stands that is of a media type. */
    public static Use useOf(String mediaType) {
        int end = mediaType.indexOf(';');
        String type =
                (end < 0 ? mediaType : mediaType.substring(0, end)).strip().toLowerCase(Locale.ROOT);
        if (type.endsWith("/json") || type.endsWith("+json")) {
            return Use.JSON;
        }
        return type.equals("text/html") || type.endsWith("/xml") || type.endsWith("+xml") ? Use.MARKUP : Use.TEXT;
    }

    /** The text of one without places; null when it has some. */
    public @Nullable String fixed() {
        return parts.isEmpty()
                ? ""
                : parts.size() == 1 && parts.getFirst().field == null ? parts.getFirst().text : null;
    }

    /**
     * The text for a request, or for its answer if it was {@link #bound} to the request.
     *
     * @param most characters that it may have
     * @return null when it would have more
     */
    public @Nullable String text(TemplateValues values, int most) {
        String fixed = fixed();
        if (fixed != null) {
            return fixed;
        }
        StringBuilder all = new StringBuilder();
        for (Part each : parts) {
            if (each.field == null) {
                all.append(each.text);
            } else {
                String value = values.value(each.field, each.text);
                if (value != null && value.length() > most) {
                    return null;
                }
                if (value != null) {
                    add(all, each.field, value);
                }
            }
            if (all.length() > most) {
                return null;
            }
        }
        return all.toString();
    }

    /** Characters that are literal in it. */
    public int length() {
        return parts.stream()
                .filter(each -> each.field == null)
                .mapToInt(each -> each.text.length())
                .sum();
    }

    /** Itself with what the request has filled in, so that only places for what its answer has are left; null when it would be longer than {@code most}. */
    public @Nullable Template bound(TemplateValues request, int most) {
        if (!ofAnswer) {
            String text = text(request, most);
            return text == null ? null : new Template(use, List.of(new Part(null, text)));
        }
        List<Part> left = new ArrayList<>(parts.size());
        int length = 0;
        for (Part each : parts) {
            if (each.field == null || each.field.ofAnswer()) {
                left.add(each);
            } else {
                String value = request.value(each.field, each.text);
                if (value != null && value.length() > most - length) {
                    return null;
                }
                StringBuilder escaped = new StringBuilder();
                if (value != null) {
                    add(escaped, each.field, value);
                }
                length += escaped.length();
                left.add(new Part(null, escaped.toString()));
            }
        }
        return length > most ? null : new Template(use, left);
    }

    private void add(StringBuilder to, TemplateField field, String value) {
        switch (use) {
            case HEADER -> header(to, value);
            case PATH -> {
                if (field == TemplateField.PATH || field == TemplateField.SEGMENT) {
                    to.append(value);
                } else {
                    escape(to, value);
                }
            }
            case QUERY -> {
                if (field == TemplateField.QUERY) {
                    to.append(value);
                } else if (field == TemplateField.PATH || field == TemplateField.SEGMENT) {
                    parameter(to, value);
                } else {
                    escape(to, value);
                }
            }
            case PARAMETER -> {
                if (field == TemplateField.PATH || field == TemplateField.SEGMENT) {
                    parameter(to, value);
                } else {
                    escape(to, value);
                }
            }
            case JSON -> Escapes.jsonPart(to, value);
            case MARKUP -> markup(to, value);
            case TEXT -> to.append(value);
        }
    }

    /** What could end the header, or mean different things to different servers, is written as in URLs. */
    private static void header(StringBuilder to, String value) {
        boolean plain = true;
        for (int i = 0; i < value.length() && plain; i++) {
            plain = value.charAt(i) >= ' ' && value.charAt(i) < 0x7F;
        }
        if (plain) {
            to.append(value);
            return;
        }
        for (byte each : value.getBytes(StandardCharsets.UTF_8)) {
            if (each >= ' ' && each < 0x7F) {
                to.append((char) each);
            } else {
                hex(to, each);
            }
        }
    }

    /** A part of the path has escapes already, but also what would end a parameter, or be read as a blank. */
    private static void parameter(StringBuilder to, String value) {
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '&' || c == '=' || c == '+' || c == ';') {
                hex(to, (byte) c);
            } else {
                to.append(c);
            }
        }
    }

    private static void hex(StringBuilder to, byte each) {
        to.append('%').append(DIGITS.charAt(each >> 4 & 15)).append(DIGITS.charAt(each & 15));
    }

    /** As a segment of a path, or in a query: all but unreserved characters have escapes (RFC 3986, 2.3). */
    private static void escape(StringBuilder to, String value) {
        for (byte each : value.getBytes(StandardCharsets.UTF_8)) {
            if (each >= 'a' && each <= 'z'
                    || each >= 'A' && each <= 'Z'
                    || each >= '0' && each <= '9'
                    || each == '-'
                    || each == '.'
                    || each == '_'
                    || each == '~') {
                to.append((char) each);
            } else {
                hex(to, each);
            }
        }
    }

    private static void markup(StringBuilder to, String value) {
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            switch (c) {
                case '&' -> to.append("&amp;");
                case '<' -> to.append("&lt;");
                case '>' -> to.append("&gt;");
                case '"' -> to.append("&quot;");
                case '\'' -> to.append("&#39;");
                default -> to.append(c);
            }
        }
    }
}
