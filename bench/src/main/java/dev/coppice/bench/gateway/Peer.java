package dev.coppice.bench.gateway;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** A proxy that Coppice is measured beside. Those after HAPROXY have HTTP/1.1 without TLS only. */
enum Peer {
    NGINX,
    HAPROXY,
    CADDY,
    /** Spring Cloud Gateway on Reactor Netty; bench/peers/spring-cloud-gateway has its settings. */
    SPRING,
    /** Vert.x HTTP Proxy; bench/peers/vertx has its settings. */
    VERTX;

    /** Those of every run that names none. */
    static final Set<Peer> DEFAULT = EnumSet.of(NGINX, HAPROXY);

    /**
     * The peers of a list of names with commas.
     *
     * @throws IllegalArgumentException if one is not known
     */
    static Set<Peer> parse(String names) {
        List<Peer> all = Arrays.stream(names.split(","))
                .filter(each -> !each.isBlank())
                .map(each -> Peer.valueOf(each.trim().toUpperCase(Locale.ROOT)))
                .toList();
        return all.isEmpty() ? Set.of() : EnumSet.copyOf(all);
    }

    String proxy() {
        return name().toLowerCase(Locale.ROOT);
    }
}
