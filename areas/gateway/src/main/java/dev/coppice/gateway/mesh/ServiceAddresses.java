package dev.coppice.gateway.mesh;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Gives Services addresses out of a range: each keeps the one that it has, and of two that want the same the older gets it. An address that became
 * free is the last to be given again, so that who still knows it does not reach somebody else at once. Not safe for use by many threads.
 */
public final class ServiceAddresses {
    /** What becomes of a Service. */
    public sealed interface Outcome {}

    /** It has an address of its own. */
    public record Has(String address) implements Outcome {}

    /** It has none, and is to get this one. */
    public record Gets(String address) implements Outcome {}

    /**
     * It has no address that can be served.
     *
     * @param reason of the event that tells it, as Kubernetes has them
     */
    public record Refused(String reason, String message) implements Outcome {}

    /**
     * A Service that is to have an address.
     *
     * @param name for people
     * @param address that its {@code spec.clusterIP} says; empty for none
     */
    public record Wanting(String uid, String name, String address) {}

    private final AddressRange range;
    /** Those that Services have or are to get, by uid. */
    private final Map<String, Integer> known = new HashMap<>();
    /** Where the search for a free one goes on. */
    private int next = -1;

    public ServiceAddresses(AddressRange range) {
        this.range = range;
    }

    /**
     * What becomes of all Services, by uid.
     *
     * @param services the oldest first; those that need no address are left out
     */
    public Map<String, Outcome> assign(List<Wanting> services) {
        Map<String, Outcome> all = new LinkedHashMap<>();
        Map<Integer, Wanting> holders = new HashMap<>();
        List<Wanting> without = new ArrayList<>();
        for (Wanting each : services) {
            if (each.address().isEmpty()) {
                without.add(each);
            } else {
                all.put(each.uid(), held(each, holders));
            }
        }
        known.keySet().retainAll(services.stream().map(Wanting::uid).collect(Collectors.toSet()));
        if (next < 0) {
            // After a restart nobody knows which were free; those after the last one most likely were.
            next = holders.keySet().stream().mapToInt(each -> each).max().orElse(-1) + 1;
        }
        // What was promised goes first: it may be on its way into the object.
        without.removeIf(each -> {
            Integer promised = known.get(each.uid());
            if (promised == null || holders.putIfAbsent(promised, each) != null) {
                return false;
            }
            all.put(each.uid(), new Gets(range.address(promised)));
            return true;
        });
        if (!without.isEmpty()) {
            BitSet taken = new BitSet(range.size());
            holders.keySet().forEach(taken::set);
            without.forEach(each -> all.put(each.uid(), fresh(each, taken)));
        }
        return all;
    }

    private Outcome held(Wanting service, Map<Integer, Wanting> holders) {
        int index = range.index(service.address());
        if (index < 0) {
            return outside(service);
        }
        Wanting holder = holders.putIfAbsent(index, service);
        if (holder != null) {
            return new Refused(
                    "ClusterIPAlreadyAllocated",
                    "spec.clusterIP: Service " + holder.name() + " has " + service.address()
                            + " already; make the Service anew without it, to get a free one");
        }
        known.put(service.uid(), index);
        return new Has(service.address());
    }

    private Outcome fresh(Wanting service, BitSet taken) {
        int index = free(taken);
        if (index < 0) {
            return new Refused(
                    "ClusterIPNotAllocated",
                    "all " + range.size() + " addresses of " + range
                            + " are taken; give --service-cluster-ip-range a larger range");
        }
        taken.set(index);
        known.put(service.uid(), index);
        return new Gets(range.address(index));
    }

    private Refused outside(Wanting service) {
        return range.contains(service.address())
                ? new Refused(
                        "ClusterIPNotValid",
                        "spec.clusterIP: " + service.address() + " is the first or last address of " + range
                                + ", which no Service can have")
                : new Refused(
                        "ClusterIPOutOfRange",
                        "spec.clusterIP: " + service.address() + " is not in " + range
                                + ", of which this gateway serves Services; make the Service anew without it, to get a free one");
    }

    /** The next one that is free, after the last one that was given; -1 when there is none. */
    private int free(BitSet taken) {
        int found = taken.nextClearBit(Math.min(next, range.size()));
        if (found >= range.size()) {
            found = taken.nextClearBit(0);
        }
        if (found >= range.size()) {
            return -1;
        }
        next = found + 1;
        return found;
    }
}
