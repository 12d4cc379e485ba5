package dev.coppice.gateway.config;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.List;

/**
 * How often requests may come. Immutable.
 *
 * @param name {@code NAMESPACE/POLICY/LIMIT}; a limit with the name and the numbers of one before goes on with what that one counted
 * @param targets whose requests it is for; it counts them together
 * @param algorithm how it counts
 * @param requests that pass within {@code perNanos}, or at one time
 * @param perNanos 0 with {@link Algorithm#CONCURRENCY}
 * @param burst tokens that a bucket holds; 0 with the other algorithms
 * @param key what is counted apart; without parts all requests are counted together
 * @param when a CEL condition: requests for which it is false are not counted; empty for all
 * @param shadow counts, and refuses nothing
 * @param shared whether all nodes that serve count together; never with {@link Algorithm#CONCURRENCY}
 */
public record LimitConfig(
        String name,
        List<TrafficTarget> targets,
        Algorithm algorithm,
        long requests,
        long perNanos,
        long burst,
        List<KeyPart> key,
        String when,
        boolean shadow,
        boolean shared) {

    /** How it counts. */
    public enum Algorithm {
        TOKEN_BUCKET,
        SLIDING_WINDOW,
        CONCURRENCY
    }

    /** Something of a request. */
    @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
    @JsonSubTypes({
        @JsonSubTypes.Type(value = KeyPart.ClientAddress.class, name = "ClientAddress"),
        @JsonSubTypes.Type(value = KeyPart.Header.class, name = "Header"),
        @JsonSubTypes.Type(value = KeyPart.Route.class, name = "Route"),
        @JsonSubTypes.Type(value = KeyPart.Constant.class, name = "Constant"),
        @JsonSubTypes.Type(value = KeyPart.Expression.class, name = "Expression")
    })
    public sealed interface KeyPart {
        /** The first bits of the client's address. */
        record ClientAddress(int ipv4Prefix, int ipv6Prefix) implements KeyPart {}

        /** The value of a header; the empty one when there is none. */
        record Header(String name) implements KeyPart {}

        /** The route, by its kind, namespace and name. */
        record Route() implements KeyPart {}

        /** The same for all requests. */
        record Constant(String value) implements KeyPart {}

        /** What a CEL expression makes of the request; the empty text when it fails. */
        record Expression(String cel) implements KeyPart {}
    }

    public LimitConfig {
        targets = List.copyOf(targets);
        key = List.copyOf(key);
    }

    /** One of each node for itself. */
    public LimitConfig(
            String name,
            List<TrafficTarget> targets,
            Algorithm algorithm,
            long requests,
            long perNanos,
            long burst,
            List<KeyPart> key,
            String when,
            boolean shadow) {
        this(name, targets, algorithm, requests, perNanos, burst, key, when, shadow, false);
    }

    /** The same for other requests. */
    public LimitConfig withTargets(List<TrafficTarget> others) {
        return new LimitConfig(name, others, algorithm, requests, perNanos, burst, key, when, shadow, shared);
    }
}
