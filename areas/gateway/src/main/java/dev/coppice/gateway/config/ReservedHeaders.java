package dev.coppice.gateway.config;

import java.util.Set;

/** Headers that policies may not have set, as they have another meaning. Names are in lower case. */
public final class ReservedHeaders {
    /** Of HTTP itself, or of those through whom a request comes. */
    private static final Set<String> ALWAYS = Set.of(
            "connection",
            "content-length",
            "content-type",
            "expect",
            "forwarded",
            "host",
            "keep-alive",
            "proxy-connection",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto");

    private static final Set<String> CREDENTIALS = Set.of("authorization", "cookie", "proxy-authorization");

    /** Of the connection, and of framing (RFC 9110, 7.6.1; RFC 9112, 6). */
    private static final Set<String> FRAMING = Set.of(
            "connection",
            "content-length",
            "keep-alive",
            "proxy-connection",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade");

    private ReservedHeaders() {}

    /** Whether a header of an answer can have nothing that a filter says. */
    public static boolean forAnswers(String name) {
        return FRAMING.contains(name);
    }

    /** Whether a header can have nothing that a policy says. */
    public static boolean forAnything(String name) {
        return ALWAYS.contains(name);
    }

    /** Whether backends cannot be told in a header who sends a request. */
    public static boolean forIdentity(String name) {
        return ALWAYS.contains(name) || CREDENTIALS.contains(name);
    }
}
