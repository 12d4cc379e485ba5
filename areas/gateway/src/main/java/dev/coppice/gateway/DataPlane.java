package dev.coppice.gateway;

import dev.coppice.gateway.authentication.SessionEnds;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.function.FunctionReading;
import dev.coppice.gateway.resilience.UpstreamReading;
import dev.coppice.gateway.share.LimitSharing;
import dev.coppice.gateway.tap.Taps;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What serves the traffic. Safe for use by many threads. */
public interface DataPlane extends AutoCloseable {

    /**
     * A socket address that listeners share.
     *
     * @param datagrams UDP; else TCP
     */
    record Binding(String address, int port, boolean datagrams) {
        /** Of TCP. */
        public Binding(String address, int port) {
            this(address, port, false);
        }

        /** That of a listener. */
        public static Binding of(ListenerConfig listener) {
            return new Binding(listener.address(), listener.port(), listener.protocol() == ListenerConfig.Protocol.UDP);
        }
    }

    /**
     * Serves {@code config} instead of what was served before. Returns once it does; connections and requests go on. What is
     * no longer in it is let go gracefully.
     *
     * @return why an address could not be bound; nothing for those that could. They are tried again with the next call
     */
    Map<Binding, String> apply(GatewayConfig config);

    /**
     * Addresses that it served and lost since the last call of {@link #apply}, such as one that another process took while its event loops were
     * made anew. They are tried again with the next call.
     */
    default Set<Binding> lost() {
        return Set.of();
    }

    /** How each upstream is now: its circuit breaker, and what of its bounds is in use. In no order. */
    default List<UpstreamReading> upstreams() {
        return List.of();
    }

    /** The endpoints of an upstream that get no requests now, and why: {@code unhealthy}, {@code ejected}. By address and port. */
    default Map<String, String> troubles(String upstream) {
        return Map.of();
    }

    /**
     * How functions are now, by the names of their HTTPRouteFilters ({@code NAMESPACE/NAME}), as they were applied last: they are read and compiled
     * after {@link #apply} has returned.
     */
    default Map<String, FunctionReading> functions() {
        return Map.of();
    }

    /** Has something run, on any thread, whenever {@link #functions} says something else without another configuration; in place of what was to run before. */
    default void whenFunctionsChange(Runnable then) {}

    /** Those who watch requests; null: nobody can. */
    default @Nullable Taps taps() {
        return null;
    }

    /** Its part in limits that several nodes have together; null: it has none. */
    default @Nullable LimitSharing limitSharing() {
        return null;
    }

    /** Which sessions issuers have ended; null: none has. */
    default @Nullable SessionEnds sessionEnds() {
        return null;
    }

    /**
     * Takes no further connections, tells clients that no more requests may come on theirs, and lets requests that are under way end. Returns when
     * none are left, or after {@code limit}. Nothing is served then until a configuration is applied.
     */
    default void drain(Duration limit) throws InterruptedException {}

    /** Before its supervisor stops it: another one may be opened afterwards. */
    @Override
    default void close() {}
}
