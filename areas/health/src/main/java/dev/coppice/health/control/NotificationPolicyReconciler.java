package dev.coppice.health.control;

import dev.coppice.control.Authorizer;
import dev.coppice.control.Key;
import dev.coppice.control.Reconciler;
import dev.coppice.control.Resource;
import dev.coppice.health.kind.HealthKinds;
import dev.coppice.health.kind.NotificationPolicySpec;
import dev.coppice.health.kind.NotificationPolicyStatus;
import dev.coppice.health.notify.Notifications;
import dev.coppice.health.notify.PolicyPlan;
import dev.coppice.kernel.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/** Gives valid NotificationPolicies to the notifier, acts on test requests, and tells how deliveries go. */
public final class NotificationPolicyReconciler
        implements Reconciler<NotificationPolicySpec, NotificationPolicyStatus> {
    /** Setting this annotation to a new value sends a test notification to all receivers of the policy. */
    public static final String TEST = "health.coppice.dev/test";

    private static final Duration REFRESH = Duration.ofSeconds(10);

    private final Notifications notifications;
    private final Authorizer authorizer;
    private final Clock clock;
    private final Map<Key, String> uids = new ConcurrentHashMap<>();

    public NotificationPolicyReconciler(Notifications notifications, Authorizer authorizer, Clock clock) {
        this.notifications = notifications;
        this.authorizer = authorizer;
        this.clock = clock;
    }

    @Override
    public Result reconcile(Request<NotificationPolicySpec, NotificationPolicyStatus> request) {
        Optional<Resource<NotificationPolicySpec, NotificationPolicyStatus>> found = request.resource();
        String known = uids.get(request.key());
        if (found.isEmpty() || (known != null && !known.equals(found.get().uid()))) {
            if (known != null) {
                notifications.notifier().remove(request.key(), known);
                uids.remove(request.key());
            }
        }
        if (found.isEmpty()) {
            return Result.DONE;
        }
        Resource<NotificationPolicySpec, NotificationPolicyStatus> policy = found.get();
        uids.put(request.key(), policy.uid());
        List<String> errors = new ArrayList<>();
        Set<String> namespaces = namespaces(policy, errors);
        PolicyPlan plan = PolicyPlan.compile(policy.key(), policy.uid(), policy.spec(), namespaces, errors);
        if (plan == null) {
            notifications.notifier().suspend(policy.key());
        } else {
            notifications.notifier().put(plan);
        }
        String tested = test(policy, plan != null);
        StatusPatch.write(request.resources(), policy, status(policy, errors, tested));
        return Result.again(REFRESH);
    }

    @Override
    public List<String> plan(Planned<NotificationPolicySpec, NotificationPolicyStatus> planned) {
        if (planned.after().isEmpty()) {
            return List.of("will tell nobody any more");
        }
        Resource<NotificationPolicySpec, NotificationPolicyStatus> policy =
                planned.after().get();
        List<String> errors = new ArrayList<>();
        Set<String> namespaces = namespaces(policy, errors);
        PolicyPlan plan = PolicyPlan.compile(policy.key(), policy.uid(), policy.spec(), namespaces, errors);
        List<String> actions = new ArrayList<>();
        if (plan == null) {
            actions.add("will send nothing, as the policy cannot be used: " + String.join("; ", errors));
        } else if (planned.before().isEmpty() || !planned.before().get().spec().equals(policy.spec())) {
            actions.add("will tell "
                    + policy.spec().receivers().stream()
                            .map(NotificationPolicySpec.Receiver::name)
                            .collect(Collectors.joining(", "))
                    + " of the checks in "
                    + (namespaces.contains("*") ? "all namespaces" : String.join(", ", namespaces)));
        }
        if (tests(policy, plan != null)) {
            actions.add("will send a test notification to all receivers");
        }
        return actions;
    }

    private Set<String> namespaces(
            Resource<NotificationPolicySpec, NotificationPolicyStatus> policy, List<String> errors) {
        if (policy.spec().namespaces().isEmpty()) {
            return Set.of(policy.namespace());
        }
        Set<String> allowed = new LinkedHashSet<>();
        for (String namespace : policy.spec().namespaces()) {
            var action = new Authorizer.Action(
                    "list", HealthKinds.GROUP, "healthchecks", namespace.equals("*") ? "" : namespace, "");
            if (namespace.equals(policy.namespace())
                    || authorizer
                            .authorize(RbacHostAccess.identity(policy.namespace()), action)
                            .allowed()) {
                allowed.add(namespace);
            } else {
                errors.add("spec.namespaces: the ServiceAccounts of namespace \"" + policy.namespace()
                        + "\" may not list healthchecks in \"" + namespace + "\"; have an administrator grant it to the"
                        + " group system:serviceaccounts:" + policy.namespace() + ", or remove it");
            }
        }
        return allowed;
    }

    private static boolean tests(Resource<NotificationPolicySpec, NotificationPolicyStatus> policy, boolean valid) {
        String wanted = policy.annotations().getOrDefault(TEST, "");
        return valid && !wanted.isEmpty() && !wanted.equals(acted(policy));
    }

    /** The value of the test annotation that was acted on. */
    private static String acted(Resource<NotificationPolicySpec, NotificationPolicyStatus> policy) {
        NotificationPolicyStatus status = policy.status();
        return status == null || status.observedTest() == null ? "" : status.observedTest();
    }

    /** Acts on a new value of the test annotation; gives the value that was acted on. */
    private String test(Resource<NotificationPolicySpec, NotificationPolicyStatus> policy, boolean valid) {
        if (!tests(policy, valid)) {
            return acted(policy);
        }
        notifications.notifier().test(policy.key(), clock.now());
        return policy.annotations().getOrDefault(TEST, "");
    }

    private NotificationPolicyStatus status(
            Resource<NotificationPolicySpec, NotificationPolicyStatus> policy, List<String> errors, String tested) {
        NotificationPolicyStatus before = policy.status();
        String error = notifications.lastError(policy.key());
        Instant delivered = notifications.lastDelivery(policy.key());
        Conditions conditions =
                new Conditions(before == null ? List.of() : before.conditions(), policy.generation(), clock.now());
        if (errors.isEmpty()) {
            conditions.set("Ready", true, "Accepted", "");
        } else {
            conditions.set("Ready", false, "InvalidSpec", String.join("; ", errors));
        }
        if (delivered != null || !error.isEmpty()) {
            conditions.set("Delivering", error.isEmpty(), error.isEmpty() ? "Delivered" : "Failed", error);
        }
        Instant last = delivered != null
                ? delivered.truncatedTo(ChronoUnit.SECONDS)
                : before == null ? null : before.lastDelivery();
        return new NotificationPolicyStatus(
                notifications.notifier().waiting(policy.uid()),
                notifications.notifier().open(policy.uid()),
                last,
                error,
                tested.isEmpty() ? null : tested,
                policy.generation(),
                conditions.list());
    }
}
