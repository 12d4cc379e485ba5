package dev.coppice.gateway.config;

import java.util.List;

/**
 * What an ACME server wants to see at a host name, and which listeners show it. Immutable.
 *
 * @param host in lower case
 * @param token by which a file is asked for
 * @param key what is in the file, or whose hash is in the certificate: the key authorization (RFC 8555, 8.1)
 */
public record ChallengeConfig(Type type, String host, String token, String key, List<Listener> listeners) {

    /** How it is shown. */
    public enum Type {
        /** As a file at a known place (RFC 8555, 8.3). */
        HTTP,
        /** As a certificate (RFC 8737). */
        TLS
    }

    /** A {@link ListenerConfig}, by its Gateway and name. */
    public record Listener(String gateway, String name) {}

    public ChallengeConfig {
        listeners = List.copyOf(listeners);
    }

    /** Whether a listener shows it. */
    public boolean at(ListenerConfig listener) {
        return listeners.contains(new Listener(listener.gateway(), listener.name()));
    }
}
