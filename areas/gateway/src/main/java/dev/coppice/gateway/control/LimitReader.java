package dev.coppice.gateway.control;

import dev.coppice.control.Resource;
import dev.coppice.expression.InvalidExpressionException;
import dev.coppice.gateway.config.LimitConfig;
import dev.coppice.gateway.config.LimitConfig.Algorithm;
import dev.coppice.gateway.config.LimitConfig.KeyPart;
import dev.coppice.gateway.expression.RequestExpression;
import dev.coppice.gateway.kind.PolicyStatus;
import dev.coppice.gateway.kind.RateLimitSpec;
import dev.coppice.gateway.limit.TokenBucket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads the limits of RateLimit policies. What was read is kept for as long as the policy stays as it is, since compiling CEL takes long.
 * Not safe for use by many threads.
 */
final class LimitReader {
    /** As far as a policy can be read alone; its limits have no targets yet. */
    record Read(List<LimitConfig> limits, @Nullable String problem) {}

    private Map<String, Read> known = Map.of();
    private Map<String, Read> used = new HashMap<>();

    /** A translation begins. */
    void begin() {
        known = used;
        used = new HashMap<>();
    }

    Read read(Resource<RateLimitSpec, PolicyStatus> policy) {
        return used.computeIfAbsent(policy.uid() + "/" + policy.generation(), version -> {
            Read before = known.get(version);
            return before == null ? fresh(policy) : before;
        });
    }

    private static Read fresh(Resource<RateLimitSpec, PolicyStatus> policy) {
        List<LimitConfig> all = new ArrayList<>();
        for (RateLimitSpec.Limit limit : policy.spec().limits()) {
            String place = "limits[" + all.size() + "] (" + limit.name() + ")";
            try {
                all.add(limit(policy.key() + "/" + limit.name(), limit));
            } catch (InvalidPolicyException e) {
                return new Read(List.of(), place + "." + e.getMessage());
            }
        }
        return new Read(all, null);
    }

    private static LimitConfig limit(String name, RateLimitSpec.Limit limit) throws InvalidPolicyException {
        Algorithm algorithm = switch (limit.algorithm()) {
            case "SlidingWindow" -> Algorithm.SLIDING_WINDOW;
            case "Concurrency" -> Algorithm.CONCURRENCY;
            default -> Algorithm.TOKEN_BUCKET;
        };
        Duration per = limit.per() == null ? Duration.ZERO : Durations.read("per", limit.per());
        Long burst = limit.burst();
        long tokens = algorithm == Algorithm.TOKEN_BUCKET ? (burst == null ? limit.requests() : burst) : 0;
        if (algorithm == Algorithm.TOKEN_BUCKET) {
            try {
                TokenBucket _ = new TokenBucket(limit.requests(), per.toNanos(), tokens);
            } catch (IllegalArgumentException e) {
                throw new InvalidPolicyException(String.valueOf(e.getMessage()));
            }
        }
        String when = limit.when() == null ? "" : limit.when();
        List<KeyPart> key = new ArrayList<>();
        try {
            if (!when.isEmpty()) {
                RequestExpression _ = RequestExpression.condition(when);
            }
        } catch (InvalidExpressionException e) {
            throw new InvalidPolicyException("when: " + e.getMessage());
        }
        for (RateLimitSpec.KeyPart part : limit.key()) {
            key.add(part(part, "key[" + key.size() + "]"));
        }
        return new LimitConfig(
                name,
                List.of(),
                algorithm,
                limit.requests(),
                per.toNanos(),
                tokens,
                key,
                when,
                limit.shadow(),
                limit.scope().equals("Shared"));
    }

    private static KeyPart part(RateLimitSpec.KeyPart part, String place) throws InvalidPolicyException {
        String header = part.header();
        String constant = part.constant();
        String expression = part.expression();
        RateLimitSpec.ClientIp address = part.clientIP();
        return switch (part.type()) {
            case "Header" -> new KeyPart.Header(header == null ? "" : header.toLowerCase(Locale.ROOT));
            case "Constant" -> new KeyPart.Constant(constant == null ? "" : constant);
            case "Route" -> new KeyPart.Route();
            case "Expression" -> {
                try {
                    String cel = expression == null ? "" : expression;
                    RequestExpression _ = RequestExpression.text(cel);
                    yield new KeyPart.Expression(cel);
                } catch (InvalidExpressionException e) {
                    throw new InvalidPolicyException(place + ".expression: " + e.getMessage());
                }
            }
            default ->
                address == null
                        ? new KeyPart.ClientAddress(32, 64)
                        : new KeyPart.ClientAddress(address.ipv4PrefixLength(), address.ipv6PrefixLength());
        };
    }
}
