package dev.coppice.gateway.trace;

import java.util.Set;

/** Queries as spans may have them: without what signs URLs, as OpenTelemetry asks for. Pure functions. */
public final class UrlQuery {
    private static final Set<String> SECRET =
            Set.of("AWSAccessKeyId", "Signature", "sig", "X-Goog-Signature", "X-Amz-Signature");
    private static final String REDACTED = "REDACTED";

    private UrlQuery() {}

    /** A query, with or without a path before it. */
    public static String redacted(String target) {
        int mark = target.indexOf('?');
        if (mark < 0) {
            return target;
        }
        StringBuilder text = null;
        int done = 0;
        int at = mark + 1;
        while (at <= target.length()) {
            int end = target.indexOf('&', at);
            end = end < 0 ? target.length() : end;
            int equals = target.indexOf('=', at);
            if (equals > 0 && equals < end && SECRET.contains(target.substring(at, equals))) {
                text = text == null ? new StringBuilder() : text;
                text.append(target, done, equals + 1).append(REDACTED);
                done = end;
            }
            at = end + 1;
        }
        return text == null
                ? target
                : text.append(target, done, target.length()).toString();
    }
}
