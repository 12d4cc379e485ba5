package dev.coppice.gateway.template;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What a place of a template may stand for. Those that access logs have, too, are called alike. */
public enum TemplateField {
    /** The client's address. */
    CLIENT("client"),
    METHOD("method"),
    /** http or https. */
    SCHEME("scheme"),
    /** In lower case, without the port. */
    HOST("host"),
    /** In normal form, as earlier filters left it. */
    PATH("path"),
    /** As it was sent, or earlier filters left it, without the question mark. */
    QUERY("query"),
    /** The name that the client asked for in TLS (SNI). */
    SERVER_NAME("server_name"),
    /** Who sends it. */
    SUBJECT("subject"),
    /** {@code NAMESPACE/NAME}. */
    ROUTE("route"),
    /** The trace that it belongs to. */
    TRACE_ID("trace_id"),
    /** What the client calls it (X-Request-Id), or else a random number in 32 hexadecimal digits. */
    REQUEST_ID("request_id"),
    /** The values of a header, joined by commas. */
    HEADER("request.header."),
    /** A cookie. */
    COOKIE("request.cookie."),
    /** The first value of a parameter of the query, without escapes. */
    PARAMETER("request.query."),
    /** A claim of the token; of one in another one, their names joined by dots. */
    CLAIM("claim."),
    /** A field of the filter's pathTemplate, with the escapes that it has in the path. */
    SEGMENT("path."),
    /** Of the answer. */
    STATUS("status"),
    /** The values of a header of the answer, joined by commas. */
    RESPONSE_HEADER("response.header.");

    private final String word;

    TemplateField(String word) {
        this.word = word;
    }

    /** Whether a name comes behind its word. */
    boolean named() {
        return word.endsWith(".");
    }

    /** Whether it is known only once there is an answer. */
    boolean ofAnswer() {
        return this == STATUS || this == RESPONSE_HEADER;
    }

    static @Nullable TemplateField of(String place) {
        for (TemplateField each : values()) {
            if (each.named() ? place.startsWith(each.word) : place.equals(each.word)) {
                return each;
            }
        }
        return null;
    }

    /** The name in a place; headers' in lower case. */
    String name(String place) {
        if (!named()) {
            return "";
        }
        String name = place.substring(word.length());
        return this == HEADER || this == RESPONSE_HEADER ? name.toLowerCase(Locale.ROOT) : name;
    }

    static String words(boolean answer) {
        return Arrays.stream(values())
                .filter(each -> answer || !each.ofAnswer())
                .map(each -> each.named() ? each.word + "NAME" : each.word)
                .collect(Collectors.joining(", "));
    }
}
