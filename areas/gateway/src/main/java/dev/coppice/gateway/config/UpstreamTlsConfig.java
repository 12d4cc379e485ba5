package dev.coppice.gateway.config;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How the endpoints of an upstream are spoken to in TLS. Immutable. May have a private key, which {@link #toString} does not tell.
 *
 * @param serverName the DNS name that is asked for (RFC 6066, 3); it is not checked unless it is one of {@code names}
 * @param names what an endpoint's certificate has to be for: one of them, and there is one at least
 * @param authorities whose certificates count, in PEM; null: those that the machine trusts
 * @param client shown to endpoints that ask for a certificate; null: none is
 */
public record UpstreamTlsConfig(
        String serverName, List<Name> names, @Nullable String authorities, TlsConfig.@Nullable Certificate client) {

    /** A name that certificates have among their subject alternative names (RFC 5280, 4.2.1.6). */
    public record Name(Type type, String value) {
        public enum Type {
            /** In lower case. A certificate's star stands for one whole label (RFC 9525, 6.3); a star here for itself only. */
            DNS,
            /** Compared character for character. */
            URI
        }
    }

    public UpstreamTlsConfig {
        names = List.copyOf(names);
        if (names.isEmpty()) {
            throw new IllegalArgumentException("names: expected one at least");
        }
    }

    /** The same with a certificate to be shown. */
    public UpstreamTlsConfig with(TlsConfig.Certificate shown) {
        return new UpstreamTlsConfig(serverName, names, authorities, shown);
    }
}
