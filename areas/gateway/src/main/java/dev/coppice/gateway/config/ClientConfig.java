package dev.coppice.gateway.config;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * How clients of a listener are spoken to. Immutable.
 *
 * @param proxyProtocol null: clients say nothing of themselves before their first byte. The same for all listeners of an address and port
 * @param webSockets null: as is usual
 * @param geography null: nobody is told where clients are
 */
public record ClientConfig(
        @Nullable ProxyProtocol proxyProtocol,
        @Nullable WebSockets webSockets,
        @Nullable Geography geography) {

    /**
     * Headers of the PROXY protocol.
     *
     * @param trusted ranges of addresses (CIDR) whose headers count
     * @param optional connections without a header, and those from elsewhere, are served too
     */
    public record ProxyProtocol(List<String> trusted, boolean optional) {
        public ProxyProtocol {
            trusted = List.copyOf(trusted);
        }
    }

    /**
     * Bounds of WebSockets.
     *
     * @param idleMillis without a byte, after which one is closed; 0: as is usual
     * @param lifeMillis after which one is closed in any case; 0: never
     * @param most that are open at one time, beyond which requests for one are answered with 503; 0: no bound
     */
    public record WebSockets(long idleMillis, long lifeMillis, int most) {}

    /**
     * Names of request headers, in lower case, that say where a client is; null: none says it.
     *
     * @param continent two letters
     * @param country two letters (ISO 3166-1)
     * @param subdivision of the country (ISO 3166-2)
     * @param autonomousSystem its number
     */
    public record Geography(
            @Nullable String continent,
            @Nullable String country,
            @Nullable String subdivision,
            @Nullable String autonomousSystem) {

        /** All names. */
        @JsonIgnore
        public List<String> headers() {
            return Stream.of(continent, country, subdivision, autonomousSystem)
                    .filter(Objects::nonNull)
                    .map(String::valueOf)
                    .toList();
        }
    }

    /** The same without the PROXY protocol. */
    public ClientConfig withoutProxyProtocol() {
        return new ClientConfig(null, webSockets, geography);
    }
}
