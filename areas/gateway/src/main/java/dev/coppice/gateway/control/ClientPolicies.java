package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.gateway.DataPlane.Binding;
import dev.coppice.gateway.config.ClientConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.kind.ClientTrafficPolicySpec;
import dev.coppice.gateway.kind.PolicyStatus;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The ClientTrafficPolicies of a snapshot: which of them counts for a listener, and what is said of them. The oldest for a target counts; one for a
 * listener counts before one for its whole Gateway. Not safe for use by many threads.
 */
final class ClientPolicies {
    private final OldestPolicies<ClientTrafficPolicySpec> policies;
    private final boolean locates;
    private final Map<Key, Read> reads = new HashMap<>();

    /** What a policy comes to, and what has become of it. */
    private static final class Read {
        final @Nullable ClientConfig config;
        /** Null when there is none. */
        final @Nullable String problem;
        /** Where listeners that share a port say different things; empty where they do not. */
        final Set<String> divided = new HashSet<>();

        Read(Resource<ClientTrafficPolicySpec, PolicyStatus> from) {
            ClientReader.Reading read = ClientReader.read(from.spec());
            config = read.config();
            problem = read.problem();
        }
    }

    /** @param locates whether this gateway has databases that say where clients are */
    ClientPolicies(List<Resource<ClientTrafficPolicySpec, PolicyStatus>> policies, boolean locates) {
        this.locates = locates;
        this.policies = new OldestPolicies<>(policies, ClientTrafficPolicySpec::targetRefs);
        policies.forEach(each -> reads.put(each.key(), new Read(each)));
    }

    /** The listeners with what counts for each of them. */
    List<ListenerConfig> applied(List<ListenerConfig> listeners) {
        if (reads.isEmpty()) {
            return listeners;
        }
        Map<Binding, List<ListenerConfig>> ports = new LinkedHashMap<>();
        for (ListenerConfig each : listeners) {
            Read owner = owner(each);
            ClientConfig config = owner == null ? null : owner.config;
            boolean datagrams = each.protocol() == ListenerConfig.Protocol.UDP;
            ports.computeIfAbsent(Binding.of(each), _ -> new ArrayList<>())
                    .add(each.with(datagrams && config != null ? config.withoutProxyProtocol() : config));
        }
        return ports.values().stream().flatMap(each -> agreeing(each).stream()).toList();
    }

    private @Nullable Read owner(ListenerConfig listener) {
        Key owner = policies.owner("Gateway", listener.gateway(), listener.name());
        return owner == null ? null : reads.get(owner);
    }

    /** The header comes before anything says which of the listeners of a port a connection is for. */
    private List<ListenerConfig> agreeing(List<ListenerConfig> sharing) {
        if (sharing.stream().map(ClientPolicies::proxyProtocol).distinct().count() == 1) {
            return sharing;
        }
        String names = sharing.stream()
                .map(each -> each.gateway() + "/" + each.name())
                .distinct()
                .collect(Collectors.joining(", "));
        List<ListenerConfig> all = new ArrayList<>();
        for (ListenerConfig each : sharing) {
            Read owner = owner(each);
            ClientConfig config = each.clients();
            if (owner != null && config != null && config.proxyProtocol() != null) {
                owner.divided.add(names);
                all.add(each.with(config.withoutProxyProtocol()));
            } else {
                all.add(each);
            }
        }
        return all;
    }

    private static Optional<ClientConfig.ProxyProtocol> proxyProtocol(ListenerConfig listener) {
        ClientConfig clients = listener.clients();
        return Optional.ofNullable(clients == null ? null : clients.proxyProtocol());
    }

    /** What is said, after all listeners were looked at. */
    Map<Key, Draft> drafts(PolicyTargets all) {
        return policies.drafts(all, this::accepted, this::located);
    }

    private Draft.Condition[] located(Key policy) {
        ClientConfig config = Objects.requireNonNull(reads.get(policy)).config;
        if (config == null || config.geography() == null) {
            return new Draft.Condition[0];
        }
        return new Draft.Condition[] {
            locates
                    ? Draft.Condition.yes("ResolvedRefs", "ResolvedRefs")
                    : Draft.Condition.no(
                            "ResolvedRefs",
                            "NoDatabase",
                            "geography: this gateway has no database, so it knows no location and only takes out what"
                                    + " clients write; start it with --gateway-geography FILE")
        };
    }

    private Draft.Condition accepted(Key policy) {
        Read read = Objects.requireNonNull(reads.get(policy));
        if (read.problem != null) {
            return Draft.Condition.no(
                    "Accepted",
                    "Invalid",
                    read.problem + "; until that is mended, clients are spoken to as if there were no policy"
                            + (read.config == null ? "" : ", but for geography"));
        }
        if (!read.divided.isEmpty()) {
            return Draft.Condition.no(
                    "Accepted",
                    "Conflicted",
                    "proxyProtocol: listeners that share a port have to say the same, as the header comes before anything"
                            + " says which of them a connection is for; until " + String.join(" and ", read.divided)
                            + " do, none of them reads headers");
        }
        return Draft.Condition.yes("Accepted", "Accepted");
    }
}
