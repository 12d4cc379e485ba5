package dev.coppice.gateway.config;

import java.util.List;

/**
 * How endpoints are asked whether they are well. Immutable.
 *
 * @param jitter part of the interval by which it is longer or shorter at random, up to 1
 * @param unhealthyThreshold failures one after the other, until an endpoint counts as unhealthy
 * @param healthyThreshold successes one after the other, until an unhealthy one counts as healthy again
 */
public record HealthCheckConfig(
        Type type,
        String host,
        String path,
        String method,
        List<Codes> codes,
        String service,
        long intervalNanos,
        double jitter,
        long timeoutNanos,
        int unhealthyThreshold,
        int healthyThreshold) {

    /** What is asked. */
    public enum Type {
        /** A request of the endpoint's protocol, with {@code method}, {@code path} and {@code host}; expects one of {@code codes}. */
        HTTP,
        /** A connection, with TLS where the endpoint speaks it. */
        TCP,
        /** {@code grpc.health.v1.Health/Check} for {@code service}; expects SERVING. */
        GRPC
    }

    /** Statuses from {@code from} to {@code to}, both included. */
    public record Codes(int from, int to) {}

    public HealthCheckConfig {
        codes = List.copyOf(codes);
    }
}
