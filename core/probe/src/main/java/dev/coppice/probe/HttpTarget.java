package dev.coppice.probe;

import java.net.IDN;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;

/**
 * An http or https URL, taken apart.
 *
 * @param host in ASCII; an IPv6 literal keeps its brackets
 * @param path with the query; it begins with a slash
 */
record HttpTarget(boolean tls, String host, int port, String path) {

    /**
     * Reads an absolute URL.
     *
     * @throws IllegalArgumentException in words for the user
     */
    static HttpTarget parse(String url) {
        URI uri;
        try {
            uri = new URI(url.strip());
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException(
                    "\"" + url + "\" is no URL: " + e.getReason() + " at character " + (e.getIndex() + 1));
        }
        return of(uri, url);
    }

    private static HttpTarget of(URI uri, String shown) {
        var scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
        if (!scheme.equals("http") && !scheme.equals("https")) {
            throw new IllegalArgumentException("\"" + shown + "\" must begin with http:// or https://");
        }
        var authority = uri.getRawAuthority();
        if (authority == null || authority.isEmpty()) {
            throw new IllegalArgumentException("\"" + shown + "\" has no host");
        }
        if (authority.indexOf('@') >= 0) {
            throw new IllegalArgumentException(
                    "a URL must not carry a user name or password; give them as basic authentication");
        }
        int colon = authority.lastIndexOf(':');
        boolean hasPort = colon > authority.lastIndexOf(']');
        var host = hostOf(hasPort ? authority.substring(0, colon) : authority, shown);
        int port = scheme.equals("https") ? 443 : 80;
        if (hasPort && colon + 1 < authority.length()) {
            try {
                port = Integer.parseInt(authority.substring(colon + 1));
            } catch (NumberFormatException e) {
                port = -1;
            }
            if (port < 1 || port > 65_535) {
                throw new IllegalArgumentException("\"" + shown + "\" has a port that is not within 1-65535");
            }
        }
        var path = uri.getRawPath() == null || uri.getRawPath().isEmpty() ? "/" : uri.getRawPath();
        return new HttpTarget(
                scheme.equals("https"),
                host,
                port,
                ascii(uri.getRawQuery() == null ? path : path + "?" + uri.getRawQuery()));
    }

    private static String hostOf(String text, String shown) {
        if (text.startsWith("[")) {
            if (Dialer.literal(text) == null) {
                throw new IllegalArgumentException("\"" + shown + "\" has a host that is no IPv6 address");
            }
            return text;
        }
        var host = text.chars().allMatch(c -> c < 128) ? text : IDN.toASCII(text);
        if (host.isEmpty() || host.length() > 253) {
            throw new IllegalArgumentException("\"" + shown + "\" has no usable host");
        }
        return host.toLowerCase(Locale.ROOT);
    }

    /** Percent-encodes what is not ASCII. */
    private static String ascii(String path) {
        if (path.chars().allMatch(c -> c < 128)) {
            return path;
        }
        return URI.create("http://h" + path).toASCIIString().substring(8);
    }

    /**
     * Where a Location field leads from here.
     *
     * @throws IllegalArgumentException in words for the user
     */
    HttpTarget follow(String location) {
        try {
            var clean = location.strip().replace(" ", "%20").replace("|", "%7C").replace("\"", "%22");
            return of(URI.create(url()).resolve(new URI(clean)), location);
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("it redirects to \"" + location + "\", which is no URL");
        }
    }

    boolean defaultPort() {
        return port == (tls ? 443 : 80);
    }

    /** What the Host field says. */
    String authority() {
        return defaultPort() ? host : host + ":" + port;
    }

    String url() {
        return (tls ? "https://" : "http://") + authority() + path;
    }
}
