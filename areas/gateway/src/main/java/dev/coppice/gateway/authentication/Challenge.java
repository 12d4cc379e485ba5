package dev.coppice.gateway.authentication;

import org.jspecify.annotations.Nullable;

/** Writes challenges (RFC 9110, 11.6.1). */
final class Challenge {
    private Challenge() {}

    /** @param realm printable, without quotes and backslashes */
    static String of(String scheme, String realm) {
        return scheme + " realm=\"" + realm + "\"";
    }

    /** For bearer tokens (RFC 6750, 3): nothing is said of an error to clients that sent no token. */
    static String bearer(String realm, @Nullable String problem) {
        String plain = of("Bearer", realm);
        return problem == null ? plain : plain + ", error=\"invalid_token\", error_description=\"" + problem + "\"";
    }
}
