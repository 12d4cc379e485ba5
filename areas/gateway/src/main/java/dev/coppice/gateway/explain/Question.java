package dev.coppice.gateway.explain;

import dev.coppice.gateway.config.FilterConfig.Header;
import dev.coppice.gateway.route.RequestHead;
import dev.coppice.gateway.route.RequestPath;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A request that somebody might send. Immutable.
 *
 * @param secure whether it comes in TLS
 * @param host in lower case
 * @param port where it comes in
 * @param path normalised, as the data plane does
 */
public record Question(
        String method,
        boolean secure,
        String host,
        int port,
        String path,
        Map<String, List<String>> queryParams,
        List<Header> headers)
        implements RequestHead {
    private static final int HTTP = 80;
    private static final int HTTPS = 443;

    public Question {
        queryParams = Map.copyOf(queryParams);
        headers = List.copyOf(headers);
    }

    /**
     * Of a URL.
     *
     * @param headers each as {@code Name: value}
     * @throws IllegalArgumentException with what is wrong, when something is
     */
    public static Question of(String method, String url, List<String> headers) {
        if (!method.chars().allMatch(c -> c >= 'A' && c <= 'Z') || method.isEmpty()) {
            throw new IllegalArgumentException("method: \"" + method + "\": expected such as GET");
        }
        URI parsed;
        try {
            parsed = new URI(url);
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("url: \"" + url + "\": " + e.getMessage(), e);
        }
        boolean secure = "https".equals(parsed.getScheme());
        String host = parsed.getHost();
        if (!secure && !"http".equals(parsed.getScheme()) || host == null) {
            throw new IllegalArgumentException("url: \"" + url + "\": expected such as http://shop.example:8000/cart");
        }
        String query = parsed.getRawQuery();
        String path = RequestPath.normal(parsed.getRawPath().isEmpty() ? "/" : parsed.getRawPath());
        if (path == null) {
            throw new IllegalArgumentException("url: the path \"" + parsed.getRawPath() + "\" is malformed");
        }
        return new Question(
                method,
                secure,
                host.toLowerCase(Locale.ROOT),
                parsed.getPort() >= 0 ? parsed.getPort() : secure ? HTTPS : HTTP,
                path,
                query == null ? Map.of() : parameters(query),
                headers.stream().map(Question::parsed).toList());
    }

    private static Map<String, List<String>> parameters(String query) {
        Map<String, List<String>> all = new HashMap<>();
        for (String each : query.split("&")) {
            int equals = each.indexOf('=');
            all.computeIfAbsent(decoded(equals < 0 ? each : each.substring(0, equals)), _ -> new ArrayList<>())
                    .add(equals < 0 ? "" : decoded(each.substring(equals + 1)));
        }
        return all;
    }

    private static String decoded(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }

    private static Header parsed(String line) {
        int colon = line.indexOf(':');
        if (colon <= 0) {
            throw new IllegalArgumentException("header: \"" + line + "\": expected \"Name: value\"");
        }
        return new Header(
                line.substring(0, colon).strip().toLowerCase(Locale.ROOT),
                line.substring(colon + 1).strip());
    }

    @Override
    public @Nullable String header(String name) {
        String joined = headers.stream()
                .filter(each -> each.name().equalsIgnoreCase(name))
                .map(Header::value)
                .collect(Collectors.joining(","));
        if (joined.isEmpty() && name.equalsIgnoreCase("host")) {
            return port == (secure ? HTTPS : HTTP) ? host : host + ":" + port;
        }
        return joined.isEmpty() ? null : joined;
    }

    @Override
    public @Nullable String queryParam(String name) {
        List<String> values = queryParams.get(name);
        return values == null || values.isEmpty() ? null : values.getFirst();
    }
}
