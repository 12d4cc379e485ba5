package dev.coppice.gateway.config;

import java.util.List;

/**
 * Calls of gRPC in HTTP and JSON, by annotations in descriptors (google.api.http). Immutable.
 *
 * @param name {@code NAMESPACE/POLICY}
 * @param descriptors a set of file descriptors, in base64
 * @param services full names of those that count; empty for all
 * @param ignoreUnknownFields requests may have fields, and parameters, that messages do not have
 * @param printDefaults answers have fields that are not set, too
 * @param protoNames answers have the names of the proto files, and not lowerCamelCase ones
 * @param mostBytes of a message, and of a request's body
 */
public record TranscodingConfig(
        String name,
        String descriptors,
        List<String> services,
        boolean ignoreUnknownFields,
        boolean printDefaults,
        boolean protoNames,
        int mostBytes) {
    public TranscodingConfig {
        services = List.copyOf(services);
    }

    @Override
    public String toString() {
        return "TranscodingConfig[" + name + ", " + descriptors.length() + " characters of descriptors]";
    }
}
