package dev.coppice.gateway.config;

import java.util.List;

/**
 * When a request is tried again: when no connection could be made or it broke before an answer began, and for these answers.
 *
 * @param codes statuses
 * @param attempts how often after the first try
 * @param backoffMillis least time between two tries
 * @param grpcStatuses of calls of gRPC, for answers without messages
 */
public record RetryConfig(List<Integer> codes, int attempts, long backoffMillis, List<Integer> grpcStatuses) {

    public RetryConfig {
        codes = List.copyOf(codes);
        // What an earlier version saved has none.
        grpcStatuses = grpcStatuses == null ? List.of() : List.copyOf(grpcStatuses);
    }

    /** Whatever statuses calls of gRPC have. */
    public RetryConfig(List<Integer> codes, int attempts, long backoffMillis) {
        this(codes, attempts, backoffMillis, List.of());
    }
}
