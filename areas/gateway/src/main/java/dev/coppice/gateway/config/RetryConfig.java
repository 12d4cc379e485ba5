package dev.coppice.gateway.config;

import java.util.List;

/**
 * When a request is tried again: when no connection could be made or it broke before an answer began, and for these answers.
 *
 * @param codes statuses
 * @param attempts how often after the first try
 * @param backoffMillis least time between two tries
 */
public record RetryConfig(List<Integer> codes, int attempts, long backoffMillis) {

    public RetryConfig {
        codes = List.copyOf(codes);
    }
}
