package dev.coppice.gateway.config;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which endpoint of an upstream gets a request. Immutable.
 *
 * @param algorithm the name of a load balancer
 * @param choices how many endpoints it compares, where it compares some
 * @param decayNanos how long it remembers how long answers took, where it does
 * @param tableSize entries of its table, where it has one; 0: as many as is usual for it
 * @param hashKeys what requests have in common that go to the same endpoint: the first of these that a request has
 * @param slowStart null: endpoints have their whole share from the beginning
 * @param panicThresholdPercent below this share of healthy endpoints all are used; 0: never
 * @param overprovisioningPercent how much of its usual load a priority can bear
 * @param balanceFactorPercent how much of its share of all requests an endpoint may have before its keys go elsewhere, of those that are
 *     chosen by keys; 0: any
 * @param subset null: all requests may go to all endpoints
 */
public record BalanceConfig(
        String algorithm,
        int choices,
        long decayNanos,
        int tableSize,
        List<HashKey> hashKeys,
        @Nullable SlowStart slowStart,
        int panicThresholdPercent,
        int overprovisioningPercent,
        int balanceFactorPercent,
        @Nullable Subset subset) {

    /** Without bounds of loads and subsets. */
    public BalanceConfig(
            String algorithm,
            int choices,
            long decayNanos,
            int tableSize,
            List<HashKey> hashKeys,
            @Nullable SlowStart slowStart,
            int panicThresholdPercent,
            int overprovisioningPercent) {
        this(
                algorithm,
                choices,
                decayNanos,
                tableSize,
                hashKeys,
                slowStart,
                panicThresholdPercent,
                overprovisioningPercent,
                0,
                null);
    }

    /** Each in its turn. */
    public static final BalanceConfig DEFAULT =
            new BalanceConfig("RoundRobin", 2, 10_000_000_000L, 0, List.of(), null, 50, 140);

    /** Something of a request. */
    @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
    @JsonSubTypes({
        @JsonSubTypes.Type(value = HashKey.ClientAddress.class, name = "ClientAddress"),
        @JsonSubTypes.Type(value = HashKey.Header.class, name = "Header"),
        @JsonSubTypes.Type(value = HashKey.QueryParameter.class, name = "QueryParameter"),
        @JsonSubTypes.Type(value = HashKey.Cookie.class, name = "Cookie")
    })
    public sealed interface HashKey {
        /** The client's IP address. */
        record ClientAddress() implements HashKey {}

        /** The value of a header. */
        record Header(String name) implements HashKey {}

        /** The value of a query parameter. */
        record QueryParameter(String name) implements HashKey {}

        /** @param made null: only cookies that a client has count */
        record Cookie(String name, @Nullable MadeCookie made) implements HashKey {}
    }

    /**
     * A cookie that clients get who have none (RFC 6265, 4.1).
     *
     * @param ttlSeconds 0: until the browser ends
     * @param sameSite {@code Strict}, {@code Lax} or {@code None}
     */
    public record MadeCookie(long ttlSeconds, String path, String sameSite, boolean httpOnly, boolean secure) {}

    /**
     * How the share of an endpoint grows that is new or has recovered.
     *
     * @param aggression 1: evenly; more: quickly at first
     * @param minWeight its part of the whole share at the beginning, up to 1
     */
    public record SlowStart(long windowNanos, double aggression, double minWeight) {}

    /**
     * That requests go to those endpoints whose label has the value which the request names. One of both is there, {@code header} and {@code cookie}.
     *
     * @param label that sorts endpoints
     * @param header whose value names a subset
     * @param cookie whose value names one
     * @param fallback where requests go that name none, or one without endpoints
     * @param defaultName of the subset for {@link Fallback#DEFAULT}; else empty
     */
    public record Subset(
            String label, @Nullable String header, @Nullable String cookie, Fallback fallback, String defaultName) {

        /** Where requests go without a subset. */
        public enum Fallback {
            /** To all endpoints. */
            ANY,
            /** Nowhere. */
            NONE,
            /** To one of the subsets. */
            DEFAULT
        }
    }

    /** The same with a bound of loads. */
    public BalanceConfig withBalanceFactor(int percent) {
        return new BalanceConfig(
                algorithm,
                choices,
                decayNanos,
                tableSize,
                hashKeys,
                slowStart,
                panicThresholdPercent,
                overprovisioningPercent,
                percent,
                subset);
    }

    /** The same with a table of another size. */
    public BalanceConfig withTableSize(int entries) {
        return new BalanceConfig(
                algorithm,
                choices,
                decayNanos,
                entries,
                hashKeys,
                slowStart,
                panicThresholdPercent,
                overprovisioningPercent,
                balanceFactorPercent,
                subset);
    }

    /** The same with subsets. */
    public BalanceConfig withSubset(Subset by) {
        return new BalanceConfig(
                algorithm,
                choices,
                decayNanos,
                tableSize,
                hashKeys,
                slowStart,
                panicThresholdPercent,
                overprovisioningPercent,
                balanceFactorPercent,
                by);
    }

    public BalanceConfig {
        hashKeys = List.copyOf(hashKeys);
    }
}
