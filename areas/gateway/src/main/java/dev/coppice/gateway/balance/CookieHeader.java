package dev.coppice.gateway.balance;

import org.jspecify.annotations.Nullable;

/** Reads the value of a {@code Cookie} header (RFC 6265, 4.2.1), as what balances load does. */
public final class CookieHeader {
    private CookieHeader() {}

    /** The first cookie of a name; null when there is none, or it is empty. */
    public static @Nullable String first(String pairs, String name) {
        int at = 0;
        while (at < pairs.length()) {
            int semicolon = pairs.indexOf(';', at);
            int end = semicolon < 0 ? pairs.length() : semicolon;
            while (at < end && pairs.charAt(at) == ' ') {
                at++;
            }
            int equals = at + name.length();
            if (equals < end && pairs.charAt(equals) == '=' && pairs.startsWith(name, at) && equals + 1 < end) {
                return pairs.substring(equals + 1, end).strip();
            }
            at = end + 1;
        }
        return null;
    }
}
