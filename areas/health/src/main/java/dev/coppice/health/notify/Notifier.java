package dev.coppice.health.notify;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import dev.coppice.health.check.CheckEngine;
import dev.coppice.health.check.CheckPlan;
import dev.coppice.health.check.CheckView;
import dev.coppice.health.check.State;
import dev.coppice.health.check.Transition;
import dev.coppice.health.kind.Severity;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Decides what is told to whom: compares how checks are with what was told about them, so that nothing is missed or
 * repeated however often the process ends in between. What is decided goes to the outbox in the same write that remembers
 * it as told. {@link #tick} is called again and again by one thread; everything else is safe for use by many.
 */
public final class Notifier implements CheckEngine.Listener {
    static final String OUTBOX = "outbox/";
    private static final String GROUPS = "group/";
    private static final String SEQUENCE = "sequence";
    private static final int MOST_WAITING = 10_000;
    private static final int MOST_ALERTS = 500;

    private final NotifyStore store;
    private final Function<Key, Optional<CheckView>> checks;
    private final Function<Key, Optional<String>> uids;
    private final Map<Key, PolicyPlan> policies = new ConcurrentHashMap<>();
    private final Map<Key, Boolean> troubled = new ConcurrentHashMap<>();

    /**
     * A notifier over its store.
     *
     * @param checks checks as the engine has them
     * @param uids the uids of checks that exist as resources, run or not
     */
    Notifier(NotifyStore store, Function<Key, Optional<CheckView>> checks, Function<Key, Optional<String>> uids) {
        this.store = store;
        this.checks = checks;
        this.uids = uids;
    }

    @Override
    public void added(CheckView view) {
        changed(view, List.of());
    }

    @Override
    public void changed(CheckView view, List<Transition> transitions) {
        if (view.machine().state() instanceof State.Up && !view.machine().flapping()) {
            troubled.remove(view.key());
        } else {
            troubled.put(view.key(), true);
        }
    }

    @Override
    public void removed(CheckPlan plan) {
        troubled.remove(plan.key());
    }

    public void put(PolicyPlan policy) {
        policies.put(policy.key(), policy);
    }

    /** Tells nothing by a policy for now, and remembers what it told: its spec is broken. */
    public void suspend(Key key) {
        policies.remove(key);
    }

    /** Forgets a policy with everything that waits to be told by it. */
    public void remove(Key key, String uid) {
        policies.remove(key);
        Map<String, @Nullable ObjectNode> changes = new LinkedHashMap<>();
        store.entries(GROUPS + uid + "/").keySet().forEach(k -> changes.put(k, null));
        store.entries(OUTBOX).forEach((k, n) -> {
            if (n.path("policyUid").asText().equals(uid)) {
                changes.put(k, null);
            }
        });
        if (!changes.isEmpty()) {
            store.commit(changes);
        }
    }

    /** Forgets policies that are gone while this process was not there to see it. */
    public void keepOnly(Collection<String> policyUids) {
        Map<String, @Nullable ObjectNode> changes = new LinkedHashMap<>();
        store.entries(GROUPS).forEach((k, n) -> {
            if (!policyUids.contains(n.path("policyUid").asText())) {
                changes.put(k, null);
            }
        });
        store.entries(OUTBOX).forEach((k, n) -> {
            if (!policyUids.contains(n.path("policyUid").asText())) {
                changes.put(k, null);
            }
        });
        if (!changes.isEmpty()) {
            store.commit(changes);
        }
    }

    Optional<PolicyPlan> policy(Key key) {
        return Optional.ofNullable(policies.get(key));
    }

    /** Problems that were told by a policy and are open. */
    public int open(String policyUid) {
        return store.entries(GROUPS + policyUid + "/").values().stream()
                .mapToInt(n -> n.path("told").size())
                .sum();
    }

    /** Notifications of a policy that wait. */
    public int waiting(String policyUid) {
        return (int) store.entries(OUTBOX).values().stream()
                .filter(n -> n.path("policyUid").asText().equals(policyUid))
                .count();
    }

    /** Sends a test notification to all receivers of the policy; false when there is no such policy. */
    public boolean test(Key key, Instant now) {
        PolicyPlan policy = policies.get(key);
        if (policy == null) {
            return false;
        }
        Alert alert = new Alert(
                new Key(key.namespace(), "test"),
                "test",
                "Down",
                true,
                false,
                Severity.info,
                "",
                "test",
                "This is a test of NotificationPolicy " + key + ". Nothing is wrong.",
                "a test",
                now,
                Map.of());
        Map<String, @Nullable ObjectNode> changes = new LinkedHashMap<>();
        for (var receiver : policy.receivers()) {
            enqueue(
                    changes,
                    policy,
                    receiver.name(),
                    "test",
                    Map.of("test", "true"),
                    Notification.Sort.TEST,
                    List.of(alert),
                    now);
        }
        store.commit(changes);
        return true;
    }

    /** Decides what is due at this time. */
    public void tick(Instant now) {
        for (PolicyPlan policy : policies.values()) {
            tick(policy, now);
        }
    }

    private static final class Group {
        final String receiver;
        final Map<String, String> labels;
        final Map<String, Alert> firing = new LinkedHashMap<>();
        PolicyPlan.@Nullable Timing timing;

        Group(String receiver, Map<String, String> labels) {
            this.receiver = receiver;
            this.labels = labels;
        }
    }

    private void tick(PolicyPlan policy, Instant now) {
        Map<String, Group> groups = new LinkedHashMap<>();
        for (Key key : troubled.keySet()) {
            Optional<CheckView> view = checks.apply(key);
            if (view.isEmpty()) {
                continue;
            }
            Alert alert = Alert.of(view.get(), policy.includeDegraded());
            if (!alert.firing()) {
                continue;
            }
            Map<String, String> labels = policy.groupLabels(alert);
            policy.receivers(alert).forEach((receiver, timing) -> {
                Group group =
                        groups.computeIfAbsent(groupKey(policy, receiver, labels), k -> new Group(receiver, labels));
                group.firing.put(alert.uid(), alert);
                group.timing = timing;
            });
        }
        Map<String, JsonNode> known = store.entries(GROUPS + policy.uid() + "/");
        known.forEach((key, node) -> {
            Map<String, String> labels = new LinkedHashMap<>();
            node.path("labels")
                    .properties()
                    .forEach(e -> labels.put(e.getKey(), e.getValue().asText()));
            groups.computeIfAbsent(key, k -> new Group(node.path("receiver").asText(), labels));
        });
        groups.forEach((key, group) -> decide(policy, key, group, Optional.ofNullable(known.get(key)), now));
    }

    private void decide(PolicyPlan policy, String key, Group group, Optional<JsonNode> known, Instant now) {
        Map<String, Alert> told = new LinkedHashMap<>();
        known.ifPresent(node -> node.path("told").forEach(a -> {
            Alert alert = Alert.read(a);
            told.put(alert.uid(), alert);
        }));
        Instant lastSent =
                known.map(n -> Instant.parse(n.path("lastSent").asText())).orElse(Instant.EPOCH);
        Map<String, Alert> kept = new LinkedHashMap<>();
        List<Alert> over = new ArrayList<>();
        told.forEach((uid, alert) -> {
            if (!group.firing.containsKey(uid)) {
                if (isOver(policy, alert)) {
                    over.add(alert.resolved(now));
                } else {
                    kept.put(uid, alert);
                }
            }
        });
        List<Alert> fresh = group.firing.values().stream()
                .filter(a -> !told.containsKey(a.uid()))
                .toList();
        if (fresh.isEmpty() && over.isEmpty() && group.firing.isEmpty()) {
            return;
        }
        boolean changed = !fresh.isEmpty() || !over.isEmpty();
        if (!due(group, told.isEmpty(), changed, lastSent, fresh, now) || quiet(policy, group, over, now)) {
            return;
        }
        if (store.count(OUTBOX) >= MOST_WAITING) {
            return;
        }
        Map<String, @Nullable ObjectNode> changes = new LinkedHashMap<>();
        List<Alert> content = new ArrayList<>(group.firing.values());
        if (policy.sendResolved()) {
            content.addAll(over);
        }
        if (!content.isEmpty() && policy.receiver(group.receiver).isPresent()) {
            enqueue(
                    changes,
                    policy,
                    group.receiver,
                    key.substring(GROUPS.length()),
                    group.labels,
                    changed ? Notification.Sort.CHANGE : Notification.Sort.REMINDER,
                    content.subList(0, Math.min(content.size(), MOST_ALERTS)),
                    now);
        }
        kept.putAll(group.firing);
        changes.put(key, kept.isEmpty() ? null : groupNode(policy, group, kept.values(), now));
        store.commit(changes);
    }

    /** A told problem is over when its check is well, or is gone as a resource; what is unclear stays open. */
    private boolean isOver(PolicyPlan policy, Alert alert) {
        Optional<CheckView> view = checks.apply(alert.key());
        if (view.isEmpty() || !view.get().plan().uid().equals(alert.uid())) {
            return uids.apply(alert.key()).filter(alert.uid()::equals).isEmpty();
        }
        Alert now = Alert.of(view.get(), policy.includeDegraded());
        return !now.muted() && !now.firing();
    }

    private static boolean due(
            Group group, boolean first, boolean changed, Instant lastSent, List<Alert> fresh, Instant now) {
        PolicyPlan.Timing timing = group.timing;
        if (first) {
            Instant since =
                    fresh.stream().map(Alert::since).min(Instant::compareTo).orElse(now);
            return timing == null || !now.isBefore(since.plus(timing.groupWait()));
        }
        if (changed) {
            Duration interval = timing == null ? Duration.ZERO : timing.groupInterval();
            return group.firing.isEmpty() || !now.isBefore(lastSent.plus(interval));
        }
        return timing != null
                && !timing.repeatInterval().isZero()
                && !now.isBefore(lastSent.plus(timing.repeatInterval()));
    }

    private static boolean quiet(PolicyPlan policy, Group group, List<Alert> over, Instant now) {
        Severity worst = Severity.info;
        for (Alert alert : group.firing.values()) {
            worst = alert.severity().compareTo(worst) > 0 ? alert.severity() : worst;
        }
        for (Alert alert : over) {
            worst = alert.severity().compareTo(worst) > 0 ? alert.severity() : worst;
        }
        return policy.quiet(worst, now);
    }

    private static ObjectNode groupNode(PolicyPlan policy, Group group, Collection<Alert> told, Instant now) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("policyUid", policy.uid());
        node.put("receiver", group.receiver);
        node.put("lastSent", now.toString());
        ObjectNode labels = node.putObject("labels");
        group.labels.forEach(labels::put);
        var all = node.putArray("told");
        told.forEach(a -> all.add(a.json()));
        return node;
    }

    private static String groupKey(PolicyPlan policy, String receiver, Map<String, String> labels) {
        return GROUPS + policy.uid() + "/" + receiver + "/" + labels;
    }

    private void enqueue(
            Map<String, @Nullable ObjectNode> changes,
            PolicyPlan policy,
            String receiver,
            String groupKey,
            Map<String, String> labels,
            Notification.Sort sort,
            List<Alert> alerts,
            Instant now) {
        ObjectNode counter = changes.get(SEQUENCE);
        long last = counter != null
                ? counter.path("last").asLong()
                : store.get(SEQUENCE).map(n -> n.path("last").asLong()).orElse(0L);
        long number = last + 1;
        changes.put(SEQUENCE, JsonNodeFactory.instance.objectNode().put("last", number));
        Notification notification = new Notification(
                policy.uid() + "-" + number,
                policy.key(),
                policy.uid(),
                receiver,
                groupKey,
                labels,
                sort,
                alerts,
                now,
                0,
                now);
        changes.put(OUTBOX + String.format(Locale.ROOT, "%020d", number), notification.json());
    }

    /** What waits in the outbox, oldest first. */
    Map<String, Notification> outbox() {
        Map<String, Notification> all = new LinkedHashMap<>();
        store.entries(OUTBOX).forEach((key, node) -> all.put(key, Notification.read(node)));
        return all;
    }

    NotifyStore store() {
        return store;
    }
}
