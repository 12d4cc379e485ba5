package dev.coppice.gateway.config;

import org.jspecify.annotations.Nullable;

/**
 * That a rule is for calls of gRPC, and what becomes of those that come in another form. Immutable.
 *
 * @param transcoding name of the {@link TranscodingConfig} for calls in HTTP and JSON; null: there are none
 */
public record GrpcConfig(@Nullable String transcoding) {}
