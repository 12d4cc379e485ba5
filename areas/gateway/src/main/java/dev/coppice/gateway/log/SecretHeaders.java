package dev.coppice.gateway.log;

import java.util.List;
import java.util.Set;

/** Headers whose values are credentials, or may be, and are shown to nobody. Pure functions. */
public final class SecretHeaders {
    /** What is shown instead. */
    public static final String MASK = "***";

    private static final Set<String> NAMES = Set.of(
            "authorization",
            "proxy-authorization",
            "cookie",
            "cookie2",
            "set-cookie",
            "set-cookie2",
            "authentication-info",
            "x-forwarded-client-cert");
    private static final List<String> PARTS =
            List.of("token", "secret", "password", "api-key", "apikey", "session", "jwt");

    private SecretHeaders() {}

    /** Whether a header's value is one, by its name in lower case. */
    public static boolean secret(String name) {
        return NAMES.contains(name) || PARTS.stream().anyMatch(name::contains);
    }
}
