package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import dev.coppice.gateway.kind.GatewaySpec;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The Service that stands for a Gateway whose {@code spec.infrastructure} has labels or annotations, and carries those (GEP-1762). Immutable.
 *
 * @param key of the Service: that of the Gateway, with the class behind the name
 * @param gateway whose it is
 * @param labels all that it has to have
 * @param addresses of the Gateway
 */
public record GatewayService(
        Key key,
        ObjectNode gateway,
        Map<String, String> labels,
        Map<String, String> annotations,
        List<Port> ports,
        List<String> addresses) {
    /** Of all objects that are made for a Gateway. */
    static final String GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name";

    static final String MANAGED_BY = "app.kubernetes.io/managed-by";
    static final String MANAGER = "coppice-gateway";

    private static final int MOST_PORTS = 1_000;
    private static final int MOST_NAME = 63;
    private static final int KEPT_OF_NAME = 20;

    /** @param datagrams UDP; else TCP */
    public record Port(int number, boolean datagrams) {
        String name() {
            return (datagrams ? "udp-" : "tcp-") + number;
        }
    }

    /** The one that a Gateway is to have; null: none. */
    static @Nullable GatewayService of(GatewayState state) {
        GatewaySpec.Infrastructure wanted = state.gateway.spec().infrastructure();
        if (wanted == null || wanted.labels().isEmpty() && wanted.annotations().isEmpty()) {
            return null;
        }
        Set<Port> ports = new LinkedHashSet<>();
        state.listeners().stream()
                .filter(ListenerState::accepted)
                .limit(MOST_PORTS)
                .forEach(each -> ports.add(new Port(each.port, each.protocol.equals("UDP"))));
        if (!state.accepted() || ports.isEmpty()) {
            return null;
        }
        Map<String, String> labels = new HashMap<>(wanted.labels());
        labels.put(GATEWAY_NAME, label(state.gateway.name()));
        labels.put(MANAGED_BY, MANAGER);
        return new GatewayService(
                new Key(
                        state.gateway.namespace(),
                        name(state.gateway.name() + "-" + state.gateway.spec().gatewayClassName())),
                state.gateway.tree(),
                Map.copyOf(labels),
                Map.copyOf(wanted.annotations()),
                List.copyOf(ports),
                List.copyOf(state.addresses));
    }

    /** The name of a Gateway as a label (GEP-1762). */
    static String label(String name) {
        return name.length() <= MOST_NAME
                ? name
                : name.substring(0, KEPT_OF_NAME) + "-" + sha1(name.substring(KEPT_OF_NAME));
    }

    /** A name that a Service may have; where the one that is wanted is none, one that is as good as nobody else's. */
    static String name(String wanted) {
        if (wanted.length() <= MOST_NAME && wanted.matches("[a-z]([-a-z0-9]*[a-z0-9])?")) {
            return wanted;
        }
        String plain = ("g-" + wanted).toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "-");
        return plain.substring(0, Math.min(plain.length(), KEPT_OF_NAME)) + "-" + sha1(wanted);
    }

    private static String sha1(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-1").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-1", e);
        }
    }
}
