package dev.coppice.gateway.proxy;

import dev.coppice.gateway.template.TemplateField;
import dev.coppice.gateway.template.TemplateValues;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What templates of one filter may know of a request. For one thread. */
final class FilterValues implements TemplateValues {
    private final FilteredRequest of;
    private final Map<String, String> segments;

    /** @param segments by the fields of the filter's pathTemplate */
    FilterValues(FilteredRequest of, Map<String, String> segments) {
        this.of = of;
        this.segments = segments;
    }

    @Override
    public @Nullable String value(TemplateField field, String name) {
        return switch (field) {
            case CLIENT -> of.client.address();
            case METHOD -> of.request.method().name();
            case SCHEME -> of.client.port().secure() ? "https" : "http";
            case HOST -> of.target().authority().host();
            case PATH -> of.target().path();
            case QUERY ->
                of.target().query().isEmpty() ? "" : of.target().query().substring(1);
            case SERVER_NAME -> of.client.serverName();
            case SUBJECT -> of.identity.subject();
            case ROUTE -> of.rule.route;
            case TRACE_ID -> of.trace == null ? null : of.trace.place().traceId();
            case REQUEST_ID -> of.requestId();
            case HEADER -> RoutedRequest.header(of.request.headers(), name);
            case COOKIE -> {
                List<String> values = Cookies.values(of.request.headers(), name);
                yield values.isEmpty() ? null : values.getFirst();
            }
            case PARAMETER -> {
                List<String> values = QueryParameters.values(of.target().query(), name);
                yield values.isEmpty() ? null : values.getFirst();
            }
            case CLAIM -> of.identity.claim(name);
            case SEGMENT -> segments.get(name);
            case STATUS, RESPONSE_HEADER -> null;
        };
    }
}
