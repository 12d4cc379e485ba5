package dev.coppice.serving;

import java.util.Set;

/**
 * Refuses requests that change something and come from a page of another origin, by what browsers tell about a request's
 * origin (the Sec-Fetch-Site and Origin headers), as the Fetch standard defines them.
 */
final class CrossOrigin {
    private static final Set<String> SAFE_METHODS = Set.of("GET", "HEAD", "OPTIONS");

    private CrossOrigin() {}

    /** @param csrfToken the session's; empty when there is none */
    static boolean allowed(Exchange exchange, String csrfToken) {
        if (SAFE_METHODS.contains(exchange.method())
                || exchange.header("Authorization").isPresent()) {
            return true;
        }
        String site = exchange.header("Sec-Fetch-Site").orElse("");
        if (!site.isEmpty()) {
            return site.equals("same-origin");
        }
        String origin = exchange.header("Origin").orElse("");
        if (!origin.isEmpty()) {
            String host = exchange.header("Host").orElse("");
            return origin.equals("https://" + host) || !exchange.secure() && origin.equals("http://" + host);
        }
        return !csrfToken.isEmpty()
                && exchange.header("X-CSRF-Token").filter(csrfToken::equals).isPresent();
    }
}
