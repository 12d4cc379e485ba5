package dev.coppice.kernel;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** In which order applications start, and their phases run. As given, where nothing else is asked for. */
final class ApplicationOrder {
    private final Map<String, Set<String>> before = new LinkedHashMap<>();
    private final Set<String> done = new LinkedHashSet<>();
    private final List<String> under = new ArrayList<>();
    private final String what;

    private ApplicationOrder(String what) {
        this.what = what;
    }

    /** The applications that do not run yet, each after its dependencies. */
    static List<Application> of(Collection<? extends Application> applications, Set<String> running)
            throws StartException {
        Map<String, Application> byName = new LinkedHashMap<>();
        for (Application application : applications) {
            Application other = byName.putIfAbsent(application.name(), application);
            if (other != null && other != application) {
                throw new StartException("two applications are named " + application.name() + "; rename one", null);
            }
        }
        List<String> missing = new ArrayList<>();
        ApplicationOrder order = new ApplicationOrder("applications depend on each other in a circle");
        for (Application application : byName.values()) {
            if (running.contains(application.name())) {
                continue;
            }
            Set<String> needed = new LinkedHashSet<>();
            for (String dependency : application.dependencies()) {
                if (byName.containsKey(dependency) && !running.contains(dependency)) {
                    needed.add(dependency);
                } else if (!running.contains(dependency)) {
                    missing.add(application.name() + " needs " + dependency);
                }
            }
            order.before.put(application.name(), needed);
        }
        if (!missing.isEmpty()) {
            throw new StartException(
                    "applications are missing: " + String.join(", ", missing) + "; start them before, or with these",
                    null);
        }
        return order.sorted().stream().map(byName::get).toList();
    }

    /** All phases, so that each application finds its own in its order. */
    static List<String> phases(List<Application> applications) throws StartException {
        ApplicationOrder order = new ApplicationOrder("the orders of start phases contradict each other");
        for (Application application : applications) {
            String last = null;
            for (String phase : application.startPhases()) {
                Set<String> earlier = order.before.computeIfAbsent(phase, _ -> new LinkedHashSet<>());
                if (last != null) {
                    earlier.add(last);
                }
                last = phase;
            }
        }
        return order.sorted();
    }

    private List<String> sorted() throws StartException {
        for (String name : before.keySet()) {
            visit(name);
        }
        return List.copyOf(done);
    }

    private void visit(String name) throws StartException {
        if (done.contains(name)) {
            return;
        }
        int at = under.indexOf(name);
        under.add(name);
        if (at >= 0) {
            throw new StartException(what + ": " + String.join(" -> ", under.subList(at, under.size())), null);
        }
        for (String earlier : before.getOrDefault(name, Set.of())) {
            visit(earlier);
        }
        under.removeLast();
        done.add(name);
    }
}
