package dev.coppice.gateway.config;

import org.jspecify.annotations.Nullable;

/**
 * How requests are sent to the endpoints of an upstream. Immutable.
 *
 * @param balance which endpoint gets a request; null: each in its turn
 */
public record TrafficConfig(@Nullable BalanceConfig balance) {}
