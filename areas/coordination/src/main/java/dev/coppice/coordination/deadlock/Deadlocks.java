package dev.coppice.coordination.deadlock;

import com.google.protobuf.ByteString;
import dev.coppice.coordination.contention.Contender;
import dev.coppice.coordination.contention.Contention;
import dev.coppice.coordination.contention.Queue;
import dev.coppice.coordination.contention.Role;
import dev.coppice.coordination.contention.Standing;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Finds the deadlocks in a picture of who holds what. Pure. */
public final class Deadlocks {
    /** Places before one that are looked at; who waits behind more is left out of the graph. */
    private static final int MOST_BEFORE = 2_000;

    /** Edges of the graph; when there are more, the waits that are left are left out. */
    private static final int MOST_EDGES = 1_000_000;

    private Deadlocks() {}

    /**
     * What was found.
     *
     * @param leftOut waits that were too long to be looked at
     */
    public record Found(List<Deadlock> deadlocks, int leftOut) {
        public static final Found NOTHING = new Found(List.of(), 0);
    }

    public static Found in(Contention contention) {
        List<Standing> all = contention.queues().values().stream()
                .map(Queue::standings)
                .flatMap(List::stream)
                .filter(each -> each.contender().role() != Role.BARRIER)
                .toList();
        if (all.stream().allMatch(Standing::holds)) {
            return Found.NOTHING;
        }
        Map<ByteString, Activity> activities = activities(all);
        Map<ByteString, Standing> byKey = new HashMap<>();
        all.forEach(each -> byKey.put(each.contender().key(), each));
        Set<ByteString> idle = idle(all, activities);
        List<Standing> waiting = new ArrayList<>();
        List<WaitForGraph.Wait<Activity>> waits = new ArrayList<>();
        int edges = 0;
        int leftOut = 0;
        for (Standing standing : all) {
            ByteString key = standing.contender().key();
            if (standing.holds() || idle.contains(key)) {
                continue;
            }
            if (standing.before().size() > MOST_BEFORE || edges > MOST_EDGES) {
                leftOut++;
                continue;
            }
            List<Activity> before = standing.before().stream()
                    .filter(each -> !idle.contains(each) && activities.containsKey(each))
                    .map(each -> known(activities, each))
                    .toList();
            edges += before.size();
            waiting.add(standing);
            waits.add(new WaitForGraph.Wait<>(
                    known(activities, key), before, standing.contender().permits()));
        }
        WaitForGraph<Activity> graph = new WaitForGraph<>(waits);
        List<Deadlock> found = graph.knots().stream()
                .map(knot -> deadlock(graph, knot, waiting, byKey, activities))
                .toList();
        return new Found(found, leftOut);
    }

    private static Activity known(Map<ByteString, Activity> activities, ByteString key) {
        Activity activity = activities.get(key);
        if (activity == null) {
            throw new IllegalStateException("no activity for the key " + key.toStringUtf8());
        }
        return activity;
    }

    /** The activity of each key: of the owner that any key of its lease names, or of the lease. */
    private static Map<ByteString, Activity> activities(List<Standing> all) {
        Map<Long, String> owners = new HashMap<>();
        for (Standing each : all) {
            String owner = each.contender().owner();
            if (owner != null) {
                owners.putIfAbsent(each.contender().lease(), owner);
            }
        }
        Map<String, Long> began = new HashMap<>();
        Map<ByteString, String> ids = new LinkedHashMap<>();
        Map<String, String> names = new HashMap<>();
        for (Standing each : all) {
            Contender contender = each.contender();
            String owner = owners.get(contender.lease());
            String id = owner != null ? "owner/" + owner : "lease/" + Long.toHexString(contender.lease());
            ids.put(contender.key(), id);
            names.merge(id, owner != null ? owner : contender.who(), (one, two) -> one.compareTo(two) <= 0 ? one : two);
            began.merge(id, contender.token(), Math::min);
        }
        Map<ByteString, Activity> activities = new HashMap<>();
        ids.forEach((key, id) ->
                activities.put(key, new Activity(id, names.getOrDefault(id, id), began.getOrDefault(id, 0L))));
        return activities;
    }

    /**
     * Places of activities that only wait, for one exclusive thing: whoever waits for them waits as well for all that they
     * wait for, so they close no cycle.
     */
    private static Set<ByteString> idle(List<Standing> all, Map<ByteString, Activity> activities) {
        Map<Activity, Integer> places = new HashMap<>();
        activities.values().forEach(each -> places.merge(each, 1, Integer::sum));
        Set<ByteString> idle = new HashSet<>();
        for (Standing each : all) {
            Role role = each.contender().role();
            boolean exclusive = role == Role.LOCK || role == Role.CANDIDATE;
            ByteString key = each.contender().key();
            if (!each.holds() && exclusive && places.getOrDefault(known(activities, key), 0) == 1) {
                idle.add(key);
            }
        }
        return idle;
    }

    private static Deadlock deadlock(
            WaitForGraph<Activity> graph,
            Set<Activity> knot,
            List<Standing> waiting,
            Map<ByteString, Standing> byKey,
            Map<ByteString, Activity> activities) {
        Activity victim = graph.victim(
                knot, Comparator.comparingLong(Activity::began).reversed().thenComparing(Activity::id));
        List<Activity> cycle = graph.cycle(victim);
        List<Deadlock.Link> links = new ArrayList<>();
        for (int i = 0; i < cycle.size(); i++) {
            links.add(link(cycle.get(i), cycle.get((i + 1) % cycle.size()), waiting, byKey, activities));
        }
        // What it waits for, and what others of the knot wait for.
        Map<ByteString, Contender> places = new LinkedHashMap<>();
        for (Standing each : waiting) {
            Activity waiter = known(activities, each.contender().key());
            if (waiter.equals(victim)) {
                places.put(each.contender().key(), each.contender());
            } else if (knot.contains(waiter)) {
                each.before().stream()
                        .filter(key -> victim.equals(activities.get(key)))
                        .forEach(key -> places.put(key, standing(byKey, key).contender()));
            }
        }
        Set<String> members = new TreeSet<>();
        for (Standing each : waiting) {
            if (knot.contains(known(activities, each.contender().key()))) {
                members.add(each.contender().token() + "@"
                        + Long.toHexString(each.contender().lease()));
            }
        }
        return new Deadlock(
                Integer.toHexString(members.hashCode()), links, knot.size(), victim, List.copyOf(places.values()));
    }

    private static Standing standing(Map<ByteString, Standing> byKey, ByteString key) {
        Standing standing = byKey.get(key);
        if (standing == null) {
            throw new IllegalStateException("nobody stands at the key " + key.toStringUtf8());
        }
        return standing;
    }

    private static Deadlock.Link link(
            Activity from,
            Activity to,
            List<Standing> waiting,
            Map<ByteString, Standing> byKey,
            Map<ByteString, Activity> activities) {
        for (Standing each : waiting) {
            if (from.equals(activities.get(each.contender().key()))) {
                for (ByteString key : each.before()) {
                    if (to.equals(activities.get(key))) {
                        return new Deadlock.Link(
                                from, each.contender(), standing(byKey, key).contender());
                    }
                }
            }
        }
        throw new IllegalStateException(from.id() + " does not wait for " + to.id());
    }
}
