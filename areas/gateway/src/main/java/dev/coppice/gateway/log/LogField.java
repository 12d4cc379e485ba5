package dev.coppice.gateway.log;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Something of a request that lines of an access log may have, in templates by its name in lower case. */
public enum LogField {
    /** When it was over, in UTC, to the millisecond (RFC 3339). */
    TIME(Sort.TEXT),
    /** The client's address. */
    CLIENT(Sort.TEXT),
    METHOD(Sort.TEXT),
    /** In lower case, without the port. */
    HOST(Sort.TEXT),
    /** As it was sent, without credentials. */
    TARGET(Sort.TEXT),
    /** Such as {@code HTTP/1.1}. */
    PROTOCOL(Sort.TEXT),
    STATUS(Sort.NUMBER),
    /** Of the request's body. */
    BYTES_IN(Sort.NUMBER),
    /** Of the answer's body. */
    BYTES_OUT(Sort.NUMBER),
    /** From the request's head to the answer's end. */
    MICROS(Sort.NUMBER),
    /** {@code NAMESPACE/NAME}. */
    ROUTE(Sort.TEXT),
    /** The upstream's name: {@code NAMESPACE/SERVICE:PORT}. */
    UPSTREAM(Sort.TEXT),
    /** The address and port of the one that was asked last. */
    ENDPOINT(Sort.TEXT),
    /** How often it was sent to an endpoint. */
    TRIES(Sort.NUMBER),
    /** Who sent it. */
    SUBJECT(Sort.OPTIONAL),
    /** The security policy that refused it. */
    POLICY(Sort.OPTIONAL),
    /** The limit that refused it. */
    LIMIT(Sort.OPTIONAL),
    /** Why the gateway answered itself. */
    REASON(Sort.OPTIONAL),
    /** What the cache of its rule did with it. */
    CACHE(Sort.OPTIONAL),
    /** The trace that it belongs to, in 32 hexadecimal digits. */
    TRACE_ID(Sort.OPTIONAL),
    /** The span of the gateway's work, in 16 hexadecimal digits. */
    SPAN_ID(Sort.OPTIONAL),
    /** The value of {@code User-Agent}. */
    AGENT(Sort.TEXT),
    /** The value of {@code Referer}. */
    REFERER(Sort.OPTIONAL);

    /** What it is in JSON. */
    private enum Sort {
        NUMBER,
        TEXT,
        /** A text that is left out when it is empty. */
        OPTIONAL
    }

    private final Sort sort;
    private final String word = name().toLowerCase(Locale.ROOT);

    LogField(Sort sort) {
        this.sort = sort;
    }

    /** Its name in lines and templates. */
    public String word() {
        return word;
    }

    boolean number() {
        return sort == Sort.NUMBER;
    }

    boolean optional() {
        return sort == Sort.OPTIONAL;
    }

    static @Nullable LogField of(String word) {
        return Arrays.stream(values())
                .filter(each -> each.word.equals(word))
                .findFirst()
                .orElse(null);
    }

    static String words() {
        return Arrays.stream(values()).map(LogField::word).collect(Collectors.joining(", "));
    }
}
