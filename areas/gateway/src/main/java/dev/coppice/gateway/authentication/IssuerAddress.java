package dev.coppice.gateway.authentication;

import java.net.URI;
import java.net.URISyntaxException;

/** Addresses at which issuers of tokens are called. */
public final class IssuerAddress {
    private static final int LONGEST = 2048;

    private IssuerAddress() {}

    /** Whether it is {@code https://HOST[:PORT]/PATH}, perhaps with a query, and without a user and a fragment. */
    public static boolean good(String text) {
        try {
            URI uri = new URI(text);
            return text.length() <= LONGEST
                    && "https".equals(uri.getScheme())
                    && uri.getHost() != null
                    && uri.getRawUserInfo() == null
                    && uri.getRawFragment() == null;
        } catch (URISyntaxException e) {
            return false;
        }
    }
}
