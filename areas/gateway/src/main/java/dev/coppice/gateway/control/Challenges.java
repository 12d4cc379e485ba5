package dev.coppice.gateway.control;

import dev.coppice.control.Resource;
import dev.coppice.gateway.config.ChallengeConfig;
import dev.coppice.gateway.kind.ChallengeSpec;
import dev.coppice.gateway.kind.ChallengeStatus;
import dev.coppice.gateway.kind.GatewayStatus;
import dev.coppice.gateway.kind.ParentReference;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/**
 * What ACME servers want to see, as listeners show it: those that would take an HTTPRoute of the Challenge's namespace for that host name. Not
 * safe for use by many threads.
 */
final class Challenges {
    /** Further ones wait until some are over. */
    private static final int MOST = 2000;

    /** So that no namespace takes all the room. */
    private static final int MOST_OF_NAMESPACE = 200;

    private final List<GatewayState> gateways;
    private final BiFunction<ParentReference, String, Translation.@Nullable Parent> parents;
    private final BiPredicate<ListenerState, String> allows;

    /**
     * For Gateways.
     *
     * @param parents what a reference from a namespace leads to
     * @param allows whether a listener takes routes from a namespace
     */
    Challenges(
            List<GatewayState> gateways,
            BiFunction<ParentReference, String, Translation.@Nullable Parent> parents,
            BiPredicate<ListenerState, String> allows) {
        this.gateways = gateways;
        this.parents = parents;
        this.allows = allows;
    }

    List<ChallengeConfig> configs(List<Resource<ChallengeSpec, ChallengeStatus>> challenges) {
        List<ChallengeConfig> all = new ArrayList<>();
        Map<String, Integer> counts = new HashMap<>();
        List<Resource<ChallengeSpec, ChallengeStatus>> sorted = new ArrayList<>(challenges);
        // Of those of a name one at a time shows its certificate at a port.
        sorted.sort(Comparator.<Resource<ChallengeSpec, ChallengeStatus>>comparingInt(this::place)
                .thenComparing(Age.OLDEST_FIRST));
        for (Resource<ChallengeSpec, ChallengeStatus> each : sorted) {
            ChallengeStatus status = each.status();
            if (!each.deleting() && (status == null || !status.ended()) && all.size() < MOST) {
                List<ChallengeConfig.Listener> listeners = listeners(each);
                if (!listeners.isEmpty() && counts.merge(each.namespace(), 1, Integer::sum) <= MOST_OF_NAMESPACE) {
                    ChallengeSpec spec = each.spec();
                    all.add(new ChallengeConfig(
                            spec.tls() ? ChallengeConfig.Type.TLS : ChallengeConfig.Type.HTTP,
                            spec.dnsName().toLowerCase(Locale.ROOT),
                            spec.token(),
                            spec.key(),
                            listeners));
                }
            }
        }
        return all;
    }

    /** First those that an ACME server may be looking at, then those that can be shown wherever they have to be, then those whose Gateways do not serve yet. */
    private int place(Resource<ChallengeSpec, ChallengeStatus> challenge) {
        ChallengeStatus status = challenge.status();
        if (status != null && (status.isPresented() || status.isProcessing())) {
            return 0;
        }
        List<GatewayState> found = new ArrayList<>();
        for (ParentReference each : challenge.spec().solver().parentRefs()) {
            Translation.Parent parent = parents.apply(each, challenge.namespace());
            if (parent == null || !parent.attached()) {
                return 2;
            }
            found.add(parent.gateway());
        }
        return found.stream().allMatch(Challenges::serves) ? 1 : 2;
    }

    /** Whether it did when that was looked at last. */
    private static boolean serves(GatewayState gateway) {
        GatewayStatus status = gateway.gateway.status();
        return status != null
                && status.conditions().stream()
                        .anyMatch(each -> each.type().equals("Programmed")
                                && each.status().equals("True"));
    }

    private List<ChallengeConfig.Listener> listeners(Resource<ChallengeSpec, ChallengeStatus> challenge) {
        List<ChallengeConfig.Listener> all = new ArrayList<>();
        List<ParentReference> references = challenge.spec().solver().parentRefs();
        if (references.isEmpty()) {
            gateways.forEach(each -> each.listeners().forEach(listener -> add(all, each, listener, challenge)));
        }
        for (ParentReference reference : references) {
            Translation.Parent parent = parents.apply(reference, challenge.namespace());
            if (parent != null && parent.attached()) {
                parent.listeners().stream()
                        .filter(each -> Translation.chosen(reference, each))
                        .forEach(each -> add(all, parent.gateway(), each, challenge));
            }
        }
        return all;
    }

    /** Whether the name is that of another namespace's routes there: a certificate of TLS-ALPN-01 is shown in spite of whose they are. */
    private static boolean othersHold(ListenerState listener, Resource<ChallengeSpec, ChallengeStatus> challenge) {
        String namespace = challenge.namespace();
        String name = Hostnames.normal(challenge.spec().dnsName());
        return !listener.owner.namespace().equals(namespace)
                && listener.routes.stream()
                        .anyMatch(route -> !route.namespace().equals(namespace)
                                && route.hostnames().stream()
                                        .anyMatch(each -> !each.isEmpty() && Hostnames.covers(each, name)));
    }

    private void add(
            List<ChallengeConfig.Listener> all,
            GatewayState gateway,
            ListenerState listener,
            Resource<ChallengeSpec, ChallengeStatus> challenge) {
        boolean tls = challenge.spec().tls();
        boolean fits = tls ? listener.encrypted() && !listener.passes() : listener.protocol.equals("HTTP");
        if (fits
                && gateway.accepted()
                && listener.accepted()
                && Hostnames.covers(
                        listener.hostname, Hostnames.normal(challenge.spec().dnsName()))
                && allows.test(listener, challenge.namespace())
                && !(tls && othersHold(listener, challenge))) {
            listener.challenged |= tls;
            ChallengeConfig.Listener shown =
                    new ChallengeConfig.Listener(gateway.gateway.key().toString(), listener.configName());
            if (!all.contains(shown)) {
                all.add(shown);
            }
        }
    }
}
