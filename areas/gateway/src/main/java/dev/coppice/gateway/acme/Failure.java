package dev.coppice.gateway.acme;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.shredzone.acme4j.Identifier;
import org.shredzone.acme4j.Problem;
import org.shredzone.acme4j.exception.AcmeException;
import org.shredzone.acme4j.exception.AcmeLazyLoadingException;
import org.shredzone.acme4j.exception.AcmeNetworkException;
import org.shredzone.acme4j.exception.AcmeNotSupportedException;
import org.shredzone.acme4j.exception.AcmeProtocolException;
import org.shredzone.acme4j.exception.AcmeRateLimitedException;
import org.shredzone.acme4j.exception.AcmeServerException;

/**
 * What went wrong between us and an ACME server.
 *
 * @param message for people
 * @param lasting whether the same request would fail again
 * @param pause for how long the server wants to be left alone; null: it did not say
 */
record Failure(String message, boolean lasting, @Nullable Duration pause) {
    private static final Duration RATE_LIMITED = Duration.ofHours(1);
    private static final Duration LONGEST = Duration.ofDays(1);
    private static final int MOST_SHOWN = 1000;

    /** Errors of RFC 8555, 6.7, that are about the server, or the moment. */
    private static final Set<String> PASSING = Set.of("badNonce", "serverInternal", "orderNotReady");

    static Failure of(AcmeException problem, Instant now) {
        return switch (problem) {
            case AcmeRateLimitedException limited ->
                new Failure(
                        shown(limited),
                        false,
                        limited.getRetryAfter().map(each -> between(now, each)).orElse(RATE_LIMITED));
            case AcmeServerException refused -> new Failure(shown(refused), !PASSING.contains(type(refused)), null);
            case AcmeNetworkException away -> {
                Throwable cause = away.getCause();
                yield new Failure(
                        "the ACME server cannot be reached: " + (cause == null ? away.getMessage() : described(cause)),
                        false,
                        cause instanceof AcmeConnection.BusyException busy ? asked(busy.retryAfter, now) : null);
            }
            default -> new Failure(described(problem), false, null);
        };
    }

    /** Of what acme4j does not declare. */
    static Failure of(RuntimeException problem, Instant now) {
        return switch (problem) {
            case AcmeLazyLoadingException lazy when lazy.getCause() instanceof AcmeException cause -> of(cause, now);
            case AcmeNotSupportedException missing -> new Failure(described(missing), true, null);
            case AcmeProtocolException odd ->
                new Failure("the ACME server does not keep to the protocol: " + described(odd), false, null);
            default -> throw problem;
        };
    }

    private static String type(AcmeServerException refused) {
        return type(refused.getProblem());
    }

    /** Such as {@code rejectedIdentifier}. */
    private static String type(Problem problem) {
        String type = problem.getType().toString();
        return type.substring(type.lastIndexOf(':') + 1);
    }

    private static String shown(AcmeServerException refused) {
        return shown(refused.getProblem());
    }

    /** A problem as a server tells it, on one line. */
    static String shown(Problem problem) {
        String more = problem.getSubProblems().stream()
                .map(each -> each.getIdentifier().map(Identifier::getValue).orElse("") + " " + type(each) + ": "
                        + each.getDetail().orElse(""))
                .collect(Collectors.joining("; "));
        return bounded(
                type(problem) + ": " + problem.getDetail().or(problem::getTitle).orElse("it does not say why")
                        + (more.isEmpty() ? "" : " (" + more + ")"));
    }

    private static String described(Throwable cause) {
        return bounded(cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage());
    }

    /** What a server says is shown to people, who need the beginning. */
    static String bounded(String text) {
        String line = text.replaceAll("[\\x00-\\x1f\\x7f]+", " ");
        return line.length() <= MOST_SHOWN ? line : line.substring(0, MOST_SHOWN) + "…";
    }

    /** Retry-After as RFC 9110, 10.2.3, has it; null when there is none. */
    static @Nullable Duration asked(String retryAfter, Instant now) {
        try {
            if (retryAfter.matches("[0-9]{1,9}")) {
                return between(now, now.plusSeconds(Long.parseLong(retryAfter)));
            }
            return retryAfter.isEmpty()
                    ? null
                    : between(
                            now,
                            ZonedDateTime.parse(
                                            retryAfter, DateTimeFormatter.RFC_1123_DATE_TIME.withLocale(Locale.ENGLISH))
                                    .toInstant());
        } catch (DateTimeException e) {
            return null;
        }
    }

    /** Between nothing and a day. */
    static Duration between(Instant now, Instant then) {
        Duration wait = Duration.between(now, then);
        if (wait.isNegative()) {
            return Duration.ZERO;
        }
        return wait.compareTo(LONGEST) > 0 ? LONGEST : wait;
    }
}
