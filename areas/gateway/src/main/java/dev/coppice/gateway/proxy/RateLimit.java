package dev.coppice.gateway.proxy;

import dev.coppice.expression.EvaluationException;
import dev.coppice.expression.InvalidExpressionException;
import dev.coppice.gateway.config.LimitConfig;
import dev.coppice.gateway.config.LimitConfig.KeyPart;
import dev.coppice.gateway.expression.RequestExpression;
import dev.coppice.gateway.limit.Algorithm;
import dev.coppice.gateway.limit.Concurrency;
import dev.coppice.gateway.limit.KeyHash;
import dev.coppice.gateway.limit.Limiter;
import dev.coppice.gateway.limit.SlidingWindow;
import dev.coppice.gateway.limit.TokenBucket;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A limit, ready to be asked about requests. Safe for use by many threads. */
final class RateLimit {
    private static final long SECOND_NANOS = 1_000_000_000;

    /** A part of a key, ready to be put into a hash. */
    private interface Part {
        void addTo(KeyHash hash, RateLimit limit, LimitedRequest request);
    }

    private final LimitConfig config;
    private final Limiter limiter;
    private final LimitMetrics.PerLimit metrics;
    private final @Nullable RequestExpression when;
    private final Part[] parts;
    private final String shortName;
    private final String policy;

    RateLimit(LimitConfig config, Limiter limiter, LimitMetrics.PerLimit metrics) {
        this.config = config;
        this.limiter = limiter;
        this.metrics = metrics;
        this.shortName = config.name().substring(config.name().lastIndexOf('/') + 1);
        this.policy = policy(config, shortName, limiter.algorithm().quota());
        try {
            this.when = config.when().isEmpty() ? null : RequestExpression.condition(config.when());
            List<Part> all = new ArrayList<>();
            for (KeyPart each : config.key()) {
                all.add(part(each));
            }
            this.parts = all.toArray(Part[]::new);
        } catch (InvalidExpressionException e) {
            // The control half compiles it before.
            throw new IllegalArgumentException(config.name() + ": " + e.getMessage(), e);
        }
    }

    /** How a limit counts. */
    static Algorithm algorithm(LimitConfig config) {
        return switch (config.algorithm()) {
            case TOKEN_BUCKET -> new TokenBucket(config.requests(), config.perNanos(), config.burst());
            case SLIDING_WINDOW -> new SlidingWindow(config.requests(), config.perNanos());
            case CONCURRENCY -> new Concurrency(config.requests());
        };
    }

    private static Part part(KeyPart part) throws InvalidExpressionException {
        return switch (part) {
            case KeyPart.ClientAddress bits ->
                (hash, _, request) -> address(hash, request.client(), bits.ipv4Prefix(), bits.ipv6Prefix());
            case KeyPart.Header header -> (hash, _, request) -> hash.add(request.header(header.name()));
            case KeyPart.Route _ -> (hash, _, request) -> hash.add(request.route());
            case KeyPart.Constant constant -> (hash, _, _) -> hash.add(constant.value());
            case KeyPart.Expression expression -> {
                RequestExpression compiled = RequestExpression.text(expression.cel());
                yield (hash, limit, request) -> hash.add(limit.text(compiled, request));
            }
        };
    }

    private static void address(KeyHash hash, ClientStream client, int ipv4Prefix, int ipv6Prefix) {
        byte[] bytes = client.addressBytes();
        int bits = bytes.length == 4 ? ipv4Prefix : ipv6Prefix;
        hash.add(word(bytes, 0, bits) | (bytes.length == 4 ? 1 : 0));
        hash.add(word(bytes, Long.BYTES, bits - Long.SIZE));
    }

    /** Up to eight bytes, of whose bits the first ones count; those of IPv4 leave the last bits free. */
    private static long word(byte[] bytes, int from, int bits) {
        long word = 0;
        for (int i = from; i < from + Long.BYTES; i++) {
            word = word << Byte.SIZE | (i < bytes.length ? bytes[i] & 0xFF : 0);
        }
        return bits <= 0 ? 0 : bits >= Long.SIZE ? word : word & -1L << Long.SIZE - bits;
    }

    private String text(RequestExpression expression, LimitedRequest request) {
        try {
            return expression.text(request.variables());
        } catch (EvaluationException e) {
            metrics.failed.inc();
            return "";
        }
    }

    /** Whether it is for a request; when that cannot be told, it is: nobody gets past a limit by making its condition fail. */
    boolean counts(LimitedRequest request) {
        if (when == null) {
            return true;
        }
        try {
            return when.test(request.variables());
        } catch (EvaluationException e) {
            metrics.failed.inc();
            return true;
        }
    }

    long key(KeyHash hash, LimitedRequest request) {
        hash.begin();
        for (Part part : parts) {
            part.addTo(hash, this, request);
        }
        return hash.end();
    }

    long take(long key, long now) {
        long outcome = limiter.take(key, now);
        if (Limiter.passed(outcome)) {
            metrics.passed.inc();
        } else {
            (config.shadow() ? metrics.shadowed : metrics.refused).inc();
        }
        return outcome;
    }

    void giveBack(long key, long outcome) {
        limiter.giveBack(key, outcome);
    }

    boolean refuses(long outcome) {
        return !config.shadow() && !Limiter.passed(outcome);
    }

    /** Nobody is told of what refuses nothing. */
    boolean tells() {
        return !config.shadow();
    }

    String name() {
        return config.name();
    }

    Limiter limiter() {
        return limiter;
    }

    LimitConfig config() {
        return config;
    }

    long retryNanos(long outcome, long now) {
        return limiter.retryNanos(outcome, now);
    }

    /** Its item of {@code RateLimit-Policy}. */
    String policy() {
        return policy;
    }

    /** Quota, and window in seconds. */
    private static String policy(LimitConfig config, String name, long quota) {
        String text = "\"" + name + "\";q=" + quota;
        return switch (config.algorithm()) {
            case CONCURRENCY -> text + ";qu=\"concurrent-requests\"";
            case SLIDING_WINDOW -> text + ";w=" + seconds(config.perNanos());
            // A full bucket comes in this time, be the burst larger or smaller than the rate.
            case TOKEN_BUCKET ->
                text + ";w=" + seconds((long) ((double) config.perNanos() * config.burst() / config.requests()));
        };
    }

    /** Its item of {@code RateLimit}: what remains, and seconds until all is there again. */
    void state(StringBuilder text, long outcome, long now) {
        text.append('"').append(shortName).append("\";r=").append(limiter.remaining(outcome, now));
        if (config.algorithm() != LimitConfig.Algorithm.CONCURRENCY) {
            text.append(";t=").append(Math.ceilDiv(limiter.resetNanos(outcome, now), SECOND_NANOS));
        }
    }

    private static long seconds(long nanos) {
        return Math.max(1, Math.ceilDiv(nanos, SECOND_NANOS));
    }
}
