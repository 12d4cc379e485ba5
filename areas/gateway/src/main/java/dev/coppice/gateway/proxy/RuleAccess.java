package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.SecurityConfig.Source;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/** The security policies of a rule. Immutable. */
final class RuleAccess {
    /** No policies. */
    static final RuleAccess OPEN = new RuleAccess(List.of(), null);

    final List<AccessPolicy> policies;
    final @Nullable X509TrustManager authorities;
    private final List<String> secretParameters;
    private final Set<String> secretHeaders;
    private final Set<String> ownPaths;
    private final OwnedHeaders owned;

    /** @param authorities of certificates of clients; null: none of these counts */
    RuleAccess(List<AccessPolicy> policies, @Nullable X509TrustManager authorities) {
        this.authorities = authorities;
        this.policies = policies;
        this.owned = new OwnedHeaders(policies.stream()
                .flatMap(each -> each.methods.stream())
                .flatMap(each -> each.owned().stream())
                .toList());
        this.ownPaths = policies.stream()
                .flatMap(each -> each.methods.stream())
                .flatMap(each -> each.ownPaths().stream())
                .collect(Collectors.toUnmodifiableSet());
        this.secretParameters = sources(policies, Source.Type.QUERY).distinct().toList();
        this.secretHeaders = sources(policies, Source.Type.HEADER)
                .map(each -> each.toLowerCase(Locale.ROOT))
                .collect(Collectors.toUnmodifiableSet());
    }

    private static Stream<String> sources(List<AccessPolicy> policies, Source.Type type) {
        return policies.stream()
                .flatMap(each -> each.methods.stream())
                .map(AccessMethod::sources)
                .flatMap(List::stream)
                .filter(each -> each.type() == type)
                .map(Source::name);
    }

    /** Whether a header has credentials, by its name in lower case. */
    boolean credential(String header) {
        return secretHeaders.contains(header);
    }

    /** The target without the query, where that is for a method alone. */
    private String plain(String target) {
        int mark = ownPaths.isEmpty() ? -1 : target.indexOf('?');
        return mark >= 0 && ownPaths.contains(target.substring(0, mark)) ? target.substring(0, mark) : target;
    }

    boolean open() {
        return policies.isEmpty();
    }

    /** Whether it may know who sends a request. */
    boolean identifies() {
        return policies.stream().anyMatch(each -> each.invalid != null || !each.methods.isEmpty());
    }

    /** The page that a request comes from; without its query, where credentials may be in one. */
    String loggableReferer(String referer) {
        int mark = secretParameters.isEmpty() ? -1 : referer.indexOf('?');
        return mark < 0 ? referer : referer.substring(0, mark);
    }

    /** The target of a request without the parameters that have credentials, which are not logged. */
    String loggable(String all) {
        String target = plain(all);
        int mark = secretParameters.isEmpty() ? -1 : target.indexOf('?');
        if (mark < 0) {
            return target;
        }
        String query = target.substring(mark);
        for (String each : secretParameters) {
            query = QueryParameters.without(query, each);
        }
        return target.substring(0, mark) + query;
    }

    /** Takes out of what a client sends the headers in which backends are told something. */
    void removeOwned(HttpHeaders headers) {
        owned.remove(headers);
    }
}
