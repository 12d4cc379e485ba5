package dev.coppice.gateway.authentication;

import dev.coppice.gateway.config.SecurityConfig.SessionCookies;
import dev.coppice.gateway.config.SecurityConfig.Source;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The cookies of a method's sessions in a browser (RFC 6265): a session in one, or cut into up to {@value #PARTS} of them, as browsers
 * keep 4096 bytes of each; and one for each login that is not complete, of which there are {@value #LOGINS} at most. Their names have the prefix
 * {@code __Host-}, so that no other host can set them (RFC 6265bis, 4.1.3.2), unless clients come by plain HTTP. Immutable.
 */
final class CookieJar {
    static final int PARTS = 4;
    static final int LOGINS = 4;
    private static final int PART_LENGTH = 3800;

    private final List<String> parts;
    private final List<String> logins;
    private final String attributes;
    private final String loginAttributes;

    CookieJar(SessionCookies config) {
        String name = (config.plainHttp() ? "" : "__Host-") + config.name();
        parts = IntStream.range(0, PARTS)
                .mapToObj(i -> i == 0 ? name : name + "-" + i)
                .toList();
        logins = IntStream.range(0, LOGINS).mapToObj(i -> name + "-login-" + i).toList();
        String common = "; Path=/; HttpOnly" + (config.plainHttp() ? "" : "; Secure") + "; SameSite=";
        attributes = common + config.sameSite();
        // Comes back with a browser whom another site has sent, the issuer.
        loginAttributes = common + (config.sameSite().equals("None") ? "None" : "Lax");
    }

    /** All that there may be. */
    List<Source> sources() {
        List<Source> all = new ArrayList<>();
        parts.forEach(each -> all.add(new Source(Source.Type.COOKIE, each, "")));
        logins.forEach(each -> all.add(new Source(Source.Type.COOKIE, each, "")));
        return all;
    }

    /** The session that a request has; null when it has none, or not all of it. */
    @Nullable
    String session(CredentialRequest request) {
        String first = only(request, parts.getFirst());
        if (first == null || first.length() < 3 || first.charAt(1) != '.') {
            return null;
        }
        int count = first.charAt(0) - '0';
        if (count < 1 || count > PARTS) {
            return null;
        }
        StringBuilder all = new StringBuilder(first.substring(2));
        for (int i = 1; i < count; i++) {
            String part = only(request, parts.get(i));
            if (part == null) {
                return null;
            }
            all.append(part);
        }
        return all.toString();
    }

    /** One that is there twice may be somebody else's. */
    private static @Nullable String only(CredentialRequest request, String name) {
        List<String> values = request.cookies(name);
        return values.size() == 1 ? values.getFirst() : null;
    }

    /**
     * What has a browser keep a session.
     *
     * @return null when it is too long
     */
    @Nullable
    List<Outcome.Header> keep(String session, long seconds) {
        int count = Math.ceilDiv(session.length(), PART_LENGTH);
        if (count > PARTS) {
            return null;
        }
        List<Outcome.Header> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String part = session.substring(i * PART_LENGTH, Math.min(session.length(), (i + 1) * PART_LENGTH));
            all.add(set(parts.get(i), i == 0 ? count + "." + part : part, attributes, seconds));
        }
        return all;
    }

    /** What has a browser forget the session that it showed. */
    List<Outcome.Header> forget(CredentialRequest request) {
        return parts.stream()
                .filter(each -> !request.cookies(each).isEmpty())
                .map(each -> set(each, "", attributes, 0))
                .toList();
    }

    /** A place for one more login: one that is free, or else one of those that were not completed. */
    int freeLogin(CredentialRequest request, int another) {
        for (int i = 0; i < LOGINS; i++) {
            if (request.cookies(logins.get(i)).isEmpty()) {
                return i;
            }
        }
        return Math.floorMod(another, LOGINS);
    }

    /** The login at a place; null when there is none. */
    @Nullable
    String login(CredentialRequest request, int slot) {
        return slot < 0 || slot >= LOGINS ? null : only(request, logins.get(slot));
    }

    Outcome.Header keepLogin(int slot, String login, long seconds) {
        return set(logins.get(slot), login, loginAttributes, seconds);
    }

    Outcome.Header forgetLogin(int slot) {
        return set(logins.get(slot), "", loginAttributes, 0);
    }

    private static Outcome.Header set(String name, String value, String attributes, long seconds) {
        return new Outcome.Header("Set-Cookie", name + "=" + value + attributes + "; Max-Age=" + seconds);
    }
}
