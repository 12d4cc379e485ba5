package dev.coppice.gateway.function;

/**
 * What a function is run with. Immutable.
 *
 * @param name {@code NAMESPACE/NAME}
 * @param config what its guests get as their configuration
 * @param maxMemoryBytes of the memory of each instance
 * @param maxBodyBytes of each body that it sees or writes
 * @param maxInstances at one time
 */
public record FunctionSettings(String name, byte[] config, long maxMemoryBytes, int maxBodyBytes, int maxInstances) {}
