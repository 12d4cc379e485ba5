package dev.coppice.gateway.log;

import dev.coppice.gateway.template.TemplateText;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How a line of an access log is written; made once, so that a line costs little. Immutable, safe for use by many threads. */
public final class LogFormat {
    /** Of one line; what one has is bounded by this and the bounds of requests. */
    public static final int MOST_PARTS = 64;

    private static final int MOST_VALUE = 16 << 10;
    private static final int MOST_HEADER = 1024;
    private static final String CLAIM = "claim.";
    private static final String REQUEST_HEADER = "request.header.";
    private static final String RESPONSE_HEADER = "response.header.";
    /** What lines of JSON have had from the first version on. */
    private static final List<LogField> STANDARD = List.of(
            LogField.CLIENT,
            LogField.METHOD,
            LogField.HOST,
            LogField.TARGET,
            LogField.STATUS,
            LogField.BYTES_IN,
            LogField.BYTES_OUT,
            LogField.MICROS,
            LogField.ROUTE,
            LogField.ENDPOINT,
            LogField.TRIES,
            LogField.SUBJECT,
            LogField.POLICY,
            LogField.LIMIT,
            LogField.REASON,
            LogField.TRACE_ID,
            LogField.AGENT);

    /** What lines of JSON have of streams. */
    private static final List<LogField> STREAM = List.of(
            LogField.CLIENT,
            LogField.PROTOCOL,
            LogField.HOST,
            LogField.STATUS,
            LogField.BYTES_IN,
            LogField.BYTES_OUT,
            LogField.MICROS,
            LogField.ROUTE,
            LogField.UPSTREAM,
            LogField.ENDPOINT,
            LogField.TRIES,
            LogField.REASON);

    /** A line of JSON with the standard fields. */
    public static final LogFormat JSON = new LogFormat(standard(STANDARD), standard(STREAM));

    /** Apache's common format. */
    public static final LogFormat COMMON = new LogFormat(common());

    /** Apache's combined format: the common one, with {@code Referer} and {@code User-Agent}. */
    public static final LogFormat COMBINED = new LogFormat(combined());

    /** Says what is wrong with a template, all of it. */
    public static final class InvalidTemplateException extends Exception {
        private static final long serialVersionUID = 1;

        private InvalidTemplateException(List<String> problems) {
            super(String.join("; ", problems), null, false, false);
        }
    }

    private interface Part {
        void add(StringBuilder to, LoggedRequest request, LogClock clock);
    }

    private final Part[] parts;
    private final Part[] streamParts;

    private LogFormat(List<Part> parts) {
        this(parts, parts);
    }

    /** @param ofStreams their lines */
    private LogFormat(List<Part> parts, List<Part> ofStreams) {
        this.parts = parts.toArray(Part[]::new);
        this.streamParts = ofStreams.toArray(Part[]::new);
    }

    /**
     * JSON with further members behind the standard ones.
     *
     * @param more templates of their values, by name; all of them become strings
     */
    public static LogFormat json(Map<String, String> more) throws InvalidTemplateException {
        List<Part> added = new ArrayList<>();
        List<String> problems = new ArrayList<>();
        more.forEach((name, template) -> {
            StringBuilder before = new StringBuilder(",");
            Escapes.json(before, name);
            added.add(literal(before + ":\""));
            added.addAll(compiled(template, true, problems, name + ": "));
            added.add(literal("\""));
        });
        return checked(new LogFormat(with(standard(STANDARD), added), with(standard(STREAM), added)), problems);
    }

    /** @param members of an object, with its end */
    private static List<Part> with(List<Part> members, List<Part> added) {
        members.addAll(members.size() - 1, added);
        return members;
    }

    /** {@code {name}} stands for a field, {@code {request.header.NAME}} and {@code {response.header.NAME}} for a header, {@code {claim.NAME}} for a claim; {{ and }} for braces. */
    public static LogFormat template(String template) throws InvalidTemplateException {
        List<String> problems = new ArrayList<>();
        LogFormat made = new LogFormat(compiled(template, false, problems, ""));
        return checked(made, problems);
    }

    private static LogFormat checked(LogFormat made, List<String> problems) throws InvalidTemplateException {
        if (made.parts.length > MOST_PARTS) {
            problems.add("there are " + made.parts.length + " parts; there may be " + MOST_PARTS);
        }
        if (!problems.isEmpty()) {
            throw new InvalidTemplateException(problems);
        }
        return made;
    }

    /** Adds a line without its end. */
    public void add(StringBuilder to, LoggedRequest request, LogClock clock) {
        for (Part each : request.stream() ? streamParts : parts) {
            each.add(to, request, clock);
        }
    }

    // ---- the formats

    private static List<Part> standard(List<LogField> fields) {
        List<Part> all = new ArrayList<>();
        all.add((to, _, clock) -> {
            to.append("{\"time\":\"");
            clock.iso(to);
            to.append('"');
        });
        for (LogField each : fields) {
            String before = ",\"" + each.word() + "\":";
            if (each.number()) {
                all.add((to, request, _) -> to.append(before).append(request.number(each)));
            } else {
                all.add((to, request, _) ->
                        member(to, before, bounded(request.text(each), MOST_VALUE), each.optional()));
            }
        }
        all.add(literal("}"));
        return all;
    }

    private static void member(StringBuilder to, String before, String value, boolean optional) {
        if (!optional || !value.isEmpty()) {
            to.append(before);
            Escapes.json(to, value);
        }
    }

    private static List<Part> common() {
        List<Part> all = new ArrayList<>();
        all.add(field(LogField.CLIENT, false));
        all.add(literal(" - "));
        // A name with a space in it would be two fields.
        all.add((to, request, _) -> {
            int from = to.length();
            text(to, bounded(request.text(LogField.SUBJECT), MOST_VALUE), false);
            for (int i = from; i < to.length(); i++) {
                if (to.charAt(i) == ' ') {
                    to.setCharAt(i, '_');
                }
            }
        });
        all.add((to, _, clock) -> {
            to.append(" [");
            clock.apache(to);
            to.append("] \"");
        });
        all.add(field(LogField.METHOD, false));
        all.add(literal(" "));
        all.add(field(LogField.TARGET, false));
        all.add(literal(" "));
        all.add(field(LogField.PROTOCOL, false));
        all.add(literal("\" "));
        all.add(field(LogField.STATUS, false));
        all.add((to, request, _) -> {
            long bytes = request.number(LogField.BYTES_OUT);
            to.append(' ').append(bytes == 0 ? "-" : Long.toString(bytes));
        });
        return all;
    }

    private static List<Part> combined() {
        List<Part> all = common();
        all.add(literal(" \""));
        all.add(field(LogField.REFERER, false));
        all.add(literal("\" \""));
        all.add(field(LogField.AGENT, false));
        all.add(literal("\""));
        return all;
    }

    // ---- templates

    private static List<Part> compiled(String template, boolean json, List<String> problems, String place) {
        List<Part> all = new ArrayList<>();
        TemplateText.read(template, true, problems, place, new TemplateText.Parts() {
            @Override
            public void literal(String text) {
                StringBuilder written = new StringBuilder();
                if (json) {
                    Escapes.jsonPart(written, text);
                } else {
                    written.append(text);
                }
                all.add(LogFormat.literal(written.toString()));
            }

            @Override
            public void place(String name) {
                Part part = part(name, json, problems, place);
                if (part != null) {
                    all.add(part);
                }
            }
        });
        return all;
    }

    private static @Nullable Part part(String name, boolean json, List<String> problems, String place) {
        boolean request = name.startsWith(REQUEST_HEADER);
        if (request || name.startsWith(RESPONSE_HEADER)) {
            String header = name.substring((request ? REQUEST_HEADER : RESPONSE_HEADER).length())
                    .toLowerCase(Locale.ROOT);
            if (header.isEmpty()) {
                problems.add(place + "{" + name + "}: expected a header's name");
                return null;
            }
            if (SecretHeaders.secret(header)) {
                problems.add(place + "{" + name + "}: the value may be a credential, which is not logged");
                return null;
            }
            return (to, of, _) -> text(
                    to, bounded(request ? of.requestHeader(header) : of.responseHeader(header), MOST_HEADER), json);
        }
        if (name.startsWith(CLAIM) && name.length() > CLAIM.length()) {
            String claim = name.substring(CLAIM.length());
            return (to, of, _) -> text(to, bounded(of.claim(claim), MOST_HEADER), json);
        }
        LogField field = LogField.of(name);
        if (field == null) {
            problems.add(place + "{" + name + "}: there is no such field; expected one of " + LogField.words() + ", "
                    + REQUEST_HEADER + "NAME, " + RESPONSE_HEADER + "NAME or " + CLAIM + "NAME");
            return null;
        }
        return field(field, json);
    }

    private static Part literal(String text) {
        return (to, _, _) -> to.append(text);
    }

    private static Part field(LogField field, boolean json) {
        if (field == LogField.TIME) {
            return (to, _, clock) -> clock.iso(to);
        }
        return field.number()
                ? (to, request, _) -> to.append(request.number(field))
                : (to, request, _) -> text(to, bounded(request.text(field), MOST_VALUE), json);
    }

    private static void text(StringBuilder to, String value, boolean json) {
        if (value.isEmpty()) {
            to.append('-');
        } else if (json) {
            Escapes.jsonPart(to, value);
        } else {
            Escapes.text(to, value);
        }
    }

    private static String bounded(@Nullable String value, int most) {
        return value == null ? "" : value.length() <= most ? value : value.substring(0, most);
    }
}
