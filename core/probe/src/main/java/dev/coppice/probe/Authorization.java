package dev.coppice.probe;

/** Credentials of an HTTP request, already resolved from wherever they are kept. Never printed by {@code toString}. */
public sealed interface Authorization {

    /** RFC 7617. */
    record Basic(String username, String password) implements Authorization {
        @Override
        public String toString() {
            return "Basic[username=" + username + "]";
        }
    }

    /** RFC 6750. */
    record Bearer(String token) implements Authorization {
        @Override
        public String toString() {
            return "Bearer[]";
        }
    }
}
