package dev.coppice.gateway.cache;

/**
 * Under what answers are kept. Immutable.
 *
 * @param region compared by identity
 * @param text the URI, and the headers that count
 */
public record CacheKey(CacheRegion region, String text) {}
