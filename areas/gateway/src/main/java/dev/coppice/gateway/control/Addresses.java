package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import dev.coppice.gateway.GatewayOptions;
import dev.coppice.gateway.kind.GatewaySpec;
import dev.coppice.gateway.kind.GatewayStatus;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Gives Gateways their addresses: those that they ask for, or the first of the pool on which no other Gateway has one of their
 * ports. A Gateway keeps what it has, as long as that goes.
 */
final class Addresses {
    private final GatewayOptions options;
    private final Map<String, Map<String, Key>> taken = new HashMap<>();

    Addresses(GatewayOptions options) {
        this.options = options;
    }

    /**
     * @param gateways the oldest first
     * @param before addresses that were given by uid
     */
    void assign(List<GatewayState> gateways, Map<String, String> before) {
        List<GatewayState> waiting = new ArrayList<>();
        for (GatewayState gateway : gateways) {
            if (gateway.accepted() && asked(gateway)) {
                waiting.add(gateway);
            }
        }
        List<GatewayState> fresh = new ArrayList<>();
        for (GatewayState gateway : waiting) {
            @Nullable String known = known(gateway, before);
            if (known != null && free(known, gateway)) {
                take(known, gateway);
            } else {
                fresh.add(gateway);
            }
        }
        for (GatewayState gateway : fresh) {
            @Nullable
            String found = options.pool().stream()
                    .filter(each -> free(each, gateway))
                    .findFirst()
                    .orElse(null);
            if (found != null) {
                take(found, gateway);
            } else if (gateway.unaddressed == null) {
                gateway.unaddressed = new References.Problem(
                        "AddressNotAssigned",
                        "other Gateways have its ports on all " + options.pool().size()
                                + " addresses of the pool; use other ports, or give the gateway more addresses");
            }
        }
    }

    /** Takes the addresses that it asks for by value; true when it also needs one of the pool. */
    private boolean asked(GatewayState gateway) {
        List<GatewaySpec.Address> all = gateway.gateway.spec().addresses();
        boolean any = all.isEmpty();
        for (GatewaySpec.Address address : all) {
            String value = address.value();
            if (value == null || value.isEmpty()) {
                any = true;
            } else if (!options.usable(value)) {
                gateway.unaddressed = new References.Problem(
                        "AddressNotUsable",
                        "spec.addresses: " + value + " is no address that Gateways may have here; expected a loopback"
                                + " address, or one of the pool, of this machine");
            } else {
                String normal = InetAddress.ofLiteral(value).getHostAddress();
                for (ListenerState listener : gateway.listeners()) {
                    Key other = taken.getOrDefault(normal, Map.of()).get(listener.portKey());
                    if (other != null && listener.accepted()) {
                        listener.refuse(
                                "PortUnavailable",
                                "Gateway " + other + " has port " + listener.port + " of " + value + " already");
                    }
                }
                take(value, gateway);
            }
        }
        return any;
    }

    private @Nullable String known(GatewayState gateway, Map<String, String> before) {
        String given = before.get(gateway.gateway.uid());
        if (given != null) {
            return options.pool().contains(given) ? given : null;
        }
        GatewayStatus status = gateway.gateway.status();
        if (status != null) {
            for (GatewayStatus.Address address : status.addresses()) {
                if (options.pool().contains(address.value())) {
                    return address.value();
                }
            }
        }
        return null;
    }

    private static String normal(String address) {
        return InetAddress.ofLiteral(address).getHostAddress();
    }

    private boolean free(String address, GatewayState gateway) {
        Set<String> ports =
                new HashSet<>(taken.getOrDefault(normal(address), Map.of()).keySet());
        return !gateway.addresses.contains(address)
                && gateway.listeners().stream()
                        .filter(ListenerState::accepted)
                        .noneMatch(each -> ports.contains(each.portKey()));
    }

    private void take(String address, GatewayState gateway) {
        if (!gateway.addresses.contains(address)) {
            gateway.addresses.add(address);
        }
        Map<String, Key> ports = taken.computeIfAbsent(normal(address), _ -> new HashMap<>());
        for (ListenerState listener : gateway.listeners()) {
            if (listener.accepted()) {
                ports.putIfAbsent(listener.portKey(), gateway.gateway.key());
            }
        }
    }
}
