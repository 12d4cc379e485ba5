package dev.coppice.coordination.deadlock;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who waits for whom. An activity goes on when each of its waits is over: when fewer of those before it are left than there
 * are permits. It is stuck when that cannot come to be, even if everybody who can go on does so and leaves. Pure; immutable.
 *
 * <p>The test for being stuck is the reduction of resource graphs (Holt 1972), which is right for permits as well, where a
 * cycle alone proves nothing. What is shown and resolved is a knot: stuck activities that all reach each other and nobody
 * else who is stuck.
 *
 * @param <A> an activity: one that does one thing at a time
 */
public final class WaitForGraph<A> {

    /**
     * A wait.
     *
     * @param before who stands before, one element for each place; an activity may be in it more than once
     * @param permits the wait is over when fewer than so many places before are left
     */
    public record Wait<A>(A waiter, List<A> before, int permits) {}

    private final List<Wait<A>> waits;
    private final Map<A, List<Wait<A>>> byWaiter = new LinkedHashMap<>();
    private final Set<A> stuck;

    public WaitForGraph(List<Wait<A>> waits) {
        this.waits = List.copyOf(waits);
        for (Wait<A> wait : this.waits) {
            byWaiter.computeIfAbsent(wait.waiter(), waiter -> new ArrayList<>()).add(wait);
        }
        this.stuck = reduce();
    }

    /** Everybody who can go on leaves, until nobody is left who can. */
    private Set<A> reduce() {
        int[] left = new int[waits.size()];
        Map<A, Integer> open = new HashMap<>();
        Map<A, List<Integer>> awaitedIn = new HashMap<>();
        for (int i = 0; i < left.length; i++) {
            Wait<A> wait = waits.get(i);
            left[i] = wait.before().size();
            if (left[i] >= wait.permits()) {
                open.merge(wait.waiter(), 1, Integer::sum);
            }
            for (A before : wait.before()) {
                awaitedIn.computeIfAbsent(before, each -> new ArrayList<>()).add(i);
            }
        }
        Deque<A> leaving = new ArrayDeque<>();
        for (A each : awaitedIn.keySet()) {
            if (!open.containsKey(each)) {
                leaving.add(each);
            }
        }
        while (!leaving.isEmpty()) {
            for (int i : awaitedIn.getOrDefault(leaving.remove(), List.of())) {
                Wait<A> wait = waits.get(i);
                left[i]--;
                if (left[i] == wait.permits() - 1 && open.merge(wait.waiter(), -1, Integer::sum) == 0) {
                    open.remove(wait.waiter());
                    leaving.add(wait.waiter());
                }
            }
        }
        Set<A> remaining = new LinkedHashSet<>(byWaiter.keySet());
        remaining.retainAll(open.keySet());
        return Set.copyOf(remaining);
    }

    /** Who can never go on. */
    public Set<A> stuck() {
        return stuck;
    }

    /** Whom a stuck activity waits for, as far as they are stuck. */
    private Set<A> awaited(A waiter) {
        Set<A> found = new LinkedHashSet<>();
        for (Wait<A> wait : byWaiter.getOrDefault(waiter, List.of())) {
            if (wait.before().size() >= wait.permits()) {
                wait.before().stream().filter(stuck::contains).forEach(found::add);
            }
        }
        return found;
    }

    private Set<A> reach(A from) {
        Set<A> seen = new LinkedHashSet<>();
        Deque<A> next = new ArrayDeque<>(List.of(from));
        while (!next.isEmpty()) {
            for (A each : awaited(next.remove())) {
                if (seen.add(each)) {
                    next.add(each);
                }
            }
        }
        return seen;
    }

    /**
     * The knots, none when nobody is stuck; else at least one. They have no member in common, and every stuck activity waits,
     * if not in one itself, for one in the end.
     */
    public List<Set<A>> knots() {
        List<Set<A>> knots = new ArrayList<>();
        Set<A> done = new HashSet<>();
        for (A start : byWaiter.keySet()) {
            if (stuck.contains(start) && !done.contains(start)) {
                Set<A> knot = knotFrom(start);
                done.add(start);
                done.addAll(knot);
                if (!knots.contains(knot)) {
                    knots.add(knot);
                }
            }
        }
        return knots;
    }

    /** Every way leads into a knot: goes on where less can be reached, until that is the same from everywhere. */
    private Set<A> knotFrom(A start) {
        Set<A> component = reach(start);
        boolean closed = false;
        while (!closed) {
            closed = true;
            for (A each : component) {
                Set<A> further = reach(each);
                if (further.size() < component.size()) {
                    component = further;
                    closed = false;
                    break;
                }
            }
        }
        return component;
    }

    /** The shortest way from an activity to itself; empty when there is none. The last one waits for the first one. */
    public List<A> cycle(A through) {
        Map<A, A> cameFrom = new HashMap<>();
        Deque<A> next = new ArrayDeque<>(List.of(through));
        while (!next.isEmpty()) {
            A at = next.remove();
            for (A each : awaited(at)) {
                if (each.equals(through)) {
                    return way(cameFrom, through, at);
                }
                if (cameFrom.putIfAbsent(each, at) == null) {
                    next.add(each);
                }
            }
        }
        return List.of();
    }

    private static <A> List<A> way(Map<A, A> cameFrom, A from, A to) {
        List<A> way = new ArrayList<>();
        @Nullable A at = to;
        while (at != null && !at.equals(from)) {
            way.addFirst(at);
            at = cameFrom.get(at);
        }
        way.addFirst(from);
        return way;
    }

    /** The graph when an activity has left. */
    public WaitForGraph<A> without(A gone) {
        return new WaitForGraph<>(waits.stream()
                .filter(wait -> !wait.waiter().equals(gone))
                .map(wait -> new Wait<>(
                        wait.waiter(),
                        wait.before().stream()
                                .filter(each -> !each.equals(gone))
                                .toList(),
                        wait.permits()))
                .toList());
    }

    /**
     * Who has to leave for a knot to come loose: the first in an order of those after whose leaving somebody else of the knot
     * can go on, or the knot is smaller; else the first of all.
     */
    public A victim(Set<A> knot, Comparator<A> order) {
        List<A> candidates = knot.stream().sorted(order).toList();
        Optional<A> loosening = candidates.stream()
                .filter(each -> {
                    Set<A> after = without(each).stuck();
                    return knot.size() == 1 || stuckOf(knot, after) < knot.size() - 1;
                })
                .findFirst();
        return loosening.orElseGet(candidates::getFirst);
    }

    private static <A> int stuckOf(Collection<A> knot, Set<A> stuck) {
        int count = 0;
        for (A each : knot) {
            if (stuck.contains(each)) {
                count++;
            }
        }
        return count;
    }
}
