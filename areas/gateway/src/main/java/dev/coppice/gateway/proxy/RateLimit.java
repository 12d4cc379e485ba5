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
import dev.coppice.gateway.share.SharedLimit;
import dev.coppice.gateway.share.SharedOutcome;
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

    /**
     * What it has counted, which outlives changes of other things.
     *
     * @param limiter counts all keys, or those of this node
     * @param shared null: this node counts for itself
     */
    record Counts(Limiter limiter, @Nullable SharedLimit shared) implements AutoCloseable {
        @Override
        public void close() {
            if (shared != null) {
                shared.close();
            }
            limiter.close();
        }
    }

    private final LimitConfig config;
    private final Counts counts;
    private final Limiter limiter;
    private final @Nullable SharedLimit shared;
    private final LimitMetrics.PerLimit metrics;
    private final @Nullable RequestExpression when;
    private final Part[] parts;
    private final String shortName;
    private final String policy;

    RateLimit(LimitConfig config, Counts counts, LimitMetrics.PerLimit metrics) {
        this.config = config;
        this.counts = counts;
        this.limiter = counts.limiter;
        this.shared = counts.shared;
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

    /**
     * Asks for one request.
     *
     * @param then told the outcome in any thread when another node has to be asked, and this one is {@link SharedOutcome#PENDING}
     */
    long take(long key, long now, SharedLimit.Decided then) {
        SharedLimit asked = shared;
        if (asked == null) {
            return counted(limiter.take(key, now));
        }
        long outcome = asked.take(key, now, config.shadow() ? this::counted : then);
        return outcome == SharedOutcome.PENDING ? outcome : counted(outcome);
    }

    /** Has an outcome counted in metrics. */
    long counted(long outcome) {
        if (outcome >= 0) {
            metrics.passed.inc();
        } else {
            (config.shadow() ? metrics.shadowed : metrics.refused).inc();
        }
        return outcome;
    }

    void giveBack(long key, long outcome) {
        if (shared == null) {
            limiter.giveBack(key, outcome);
        }
    }

    boolean refuses(long outcome) {
        return !config.shadow() && outcome < 0;
    }

    /** Nobody is told of what refuses nothing. */
    boolean tells() {
        return !config.shadow();
    }

    String name() {
        return config.name();
    }

    Counts counts() {
        return counts;
    }

    LimitConfig config() {
        return config;
    }

    long retryNanos(long outcome, long now) {
        return shared == null ? limiter.retryNanos(outcome, now) : SharedOutcome.retryNanos(outcome);
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
        boolean own = shared == null;
        text.append('"')
                .append(shortName)
                .append("\";r=")
                .append(own ? limiter.remaining(outcome, now) : SharedOutcome.remaining(outcome));
        if (config.algorithm() != LimitConfig.Algorithm.CONCURRENCY) {
            long reset = own ? limiter.resetNanos(outcome, now) : SharedOutcome.resetNanos(outcome);
            text.append(";t=").append(Math.ceilDiv(reset, SECOND_NANOS));
        }
    }

    private static long seconds(long nanos) {
        return Math.max(1, Math.ceilDiv(nanos, SECOND_NANOS));
    }
}
