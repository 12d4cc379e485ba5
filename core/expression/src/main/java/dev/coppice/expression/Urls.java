package dev.coppice.expression;

import static dev.cel.common.types.SimpleType.BOOL;
import static dev.cel.common.types.SimpleType.STRING;

import dev.cel.common.types.ListType;
import dev.cel.common.types.MapType;
import dev.cel.common.types.OpaqueType;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Kubernetes' URL library. Accepts absolute URIs and absolute paths. */
final class Urls {
    private Urls() {}

    static final String TYPE_NAME = "kubernetes.URL";
    private static final OpaqueType URL = OpaqueType.create(TYPE_NAME);

    static void addTo(Library library) {
        library.global("url", "string_to_url", a -> url((String) a[0]), URL, STRING);
        library.global("isURL", "is_url_string", a -> parse((String) a[0]).isPresent(), BOOL, STRING);
        library.member("getScheme", "url_get_scheme", a -> text(uri(a).getScheme()), STRING, URL);
        library.member("getHost", "url_get_host", a -> host(uri(a)), STRING, URL);
        library.member("getHostname", "url_get_hostname", a -> hostname(uri(a)), STRING, URL);
        library.member("getPort", "url_get_port", a -> port(uri(a)), STRING, URL);
        library.member("getEscapedPath", "url_get_escaped_path", a -> text(uri(a).getRawPath()), STRING, URL);
        library.member(
                "getQuery", "url_get_query", a -> query(uri(a)), MapType.create(STRING, ListType.create(STRING)), URL);
    }

    /** A URL. */
    static final class Url extends Opaque {
        private final URI uri;

        Url(URI uri) {
            super(URL);
            this.uri = uri;
        }

        @Override
        Object content() {
            return uri.toString();
        }

        @Override
        public String toString() {
            return uri.toString();
        }
    }

    private static URI uri(Object[] arguments) {
        return ((Url) arguments[0]).uri;
    }

    private static Url url(String text) {
        return new Url(parse(text)
                .orElseThrow(() -> new FunctionException(
                        "URL parse error during conversion from string: `" + text + "` is no absolute URL or path")));
    }

    private static Optional<URI> parse(String text) {
        try {
            URI uri = new URI(text);
            boolean absolute = uri.getScheme() != null || text.startsWith("/");
            return absolute ? Optional.of(uri) : Optional.empty();
        } catch (URISyntaxException e) {
            return Optional.empty();
        }
    }

    private static String text(@org.jspecify.annotations.Nullable String part) {
        return part == null ? "" : part;
    }

    private static String host(URI uri) {
        String authority = text(uri.getRawAuthority());
        return authority.substring(authority.lastIndexOf('@') + 1);
    }

    private static String hostname(URI uri) {
        String host = host(uri);
        int close = host.indexOf(']');
        if (host.startsWith("[") && close > 0) {
            return host.substring(1, close);
        }
        int colon = host.indexOf(':');
        return colon < 0 ? host : host.substring(0, colon);
    }

    private static String port(URI uri) {
        String host = host(uri);
        int colon = host.lastIndexOf(':');
        return colon < 0 || colon < host.indexOf(']') ? "" : host.substring(colon + 1);
    }

    private static Map<String, List<String>> query(URI uri) {
        Map<String, List<String>> values = new LinkedHashMap<>();
        String query = text(uri.getRawQuery());
        for (String pair : query.split("&", -1)) {
            if (!pair.isEmpty()) {
                int equals = pair.indexOf('=');
                String name = equals < 0 ? pair : pair.substring(0, equals);
                String value = equals < 0 ? "" : pair.substring(equals + 1);
                values.computeIfAbsent(decode(name), _ -> new ArrayList<>()).add(decode(value));
            }
        }
        return values;
    }

    private static String decode(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }
}
