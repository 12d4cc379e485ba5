package dev.coppice.health.notify;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import dev.coppice.health.kind.NotificationPolicySpec.Receiver;
import dev.coppice.kernel.Kernel;
import io.prometheus.metrics.core.metrics.Counter;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Delivers what waits in the outbox: in order to each receiver, to different receivers side by side; again after a pause
 * that doubles from one second to five minutes when it failed, until it is given up. A notification leaves the outbox once
 * the receiver accepted it; should the process end right between, it is delivered once more with the same id.
 */
final class Delivery {
    private static final System.Logger LOG = System.getLogger(Delivery.class.getName());
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(5);

    /** How deliveries of a policy went last. */
    record Outcome(@Nullable Instant lastDelivery, String lastError) {}

    private final Kernel kernel;
    private final Notifier notifier;
    private final Channel channel;
    private final Counter counter;
    private final Set<String> lanes = new HashSet<>();
    private final Map<Key, Outcome> outcomes = new ConcurrentHashMap<>();

    Delivery(Kernel kernel, Notifier notifier, Channel channel, Counter counter) {
        this.kernel = kernel;
        this.notifier = notifier;
        this.channel = channel;
        this.counter = counter;
    }

    Optional<Outcome> outcome(Key policy) {
        return Optional.ofNullable(outcomes.get(policy));
    }

    /** Delivers one notification that is due; false when none is. Several threads may call it at once. */
    boolean deliverOne() throws InterruptedException {
        Map.Entry<String, Notification> next = claim(kernel.clock().now());
        if (next == null) {
            return false;
        }
        try {
            deliver(next.getKey(), next.getValue());
            return true;
        } finally {
            release(next.getValue());
        }
    }

    /** The oldest of a receiver that nobody delivers to, if it is due. */
    private synchronized Map.@Nullable Entry<String, Notification> claim(Instant now) {
        Set<String> seen = new HashSet<>(lanes);
        for (var entry : notifier.outbox().entrySet()) {
            Notification notification = entry.getValue();
            if (seen.add(lane(notification)) && !notification.nextAttempt().isAfter(now)) {
                lanes.add(lane(notification));
                return entry;
            }
        }
        return null;
    }

    private synchronized void release(Notification notification) {
        lanes.remove(lane(notification));
    }

    private static String lane(Notification notification) {
        return notification.policyUid() + "/" + notification.receiver();
    }

    private void deliver(String key, Notification notification) throws InterruptedException {
        Optional<PolicyPlan> policy = notifier.policy(notification.policy());
        if (policy.isEmpty() || !policy.get().uid().equals(notification.policyUid())) {
            postpone(key, notification, kernel.clock().now().plusSeconds(5), false);
            return;
        }
        Optional<Receiver> receiver = policy.get().receiver(notification.receiver());
        if (receiver.isEmpty()) {
            remove(key);
            counter.labelValues("dropped").inc();
            return;
        }
        try {
            channel.deliver(notification, receiver.get());
        } catch (Channel.DeliveryException | RuntimeException e) {
            failed(key, notification, receiver.get(), "receiver " + notification.receiver() + ": " + e.getMessage());
            return;
        }
        remove(key);
        counter.labelValues("delivered").inc();
        outcomes.put(notification.policy(), new Outcome(kernel.clock().now(), ""));
    }

    private void failed(String key, Notification notification, Receiver receiver, String error) {
        Instant now = kernel.clock().now();
        Outcome before = outcomes.get(notification.policy());
        outcomes.put(notification.policy(), new Outcome(before == null ? null : before.lastDelivery(), error));
        counter.labelValues("failed").inc();
        Duration limit = receiver.giveUpAfter() == null ? Duration.ofHours(24) : receiver.giveUpAfter();
        if (notification.created().plus(limit).isBefore(now)) {
            LOG.log(Level.WARNING, "notification {0} is given up: {1}", notification.id(), error);
            remove(key);
            counter.labelValues("given_up").inc();
            return;
        }
        long pause = FIRST_PAUSE.toMillis() << Math.min(notification.attempts(), 20);
        pause = Math.min(pause, LONGEST_PAUSE.toMillis());
        pause += kernel.random().nextLong(pause / 4 + 1);
        postpone(key, notification, now.plusMillis(pause), true);
    }

    private void postpone(String key, Notification notification, Instant next, boolean count) {
        Notification later = notification.failed(next);
        Map<String, @Nullable ObjectNode> changes = new LinkedHashMap<>();
        ObjectNode node = later.json();
        if (!count) {
            node.put("attempts", notification.attempts());
        }
        if (notifier.store().get(key).isPresent()) {
            changes.put(key, node);
            notifier.store().commit(changes);
        }
    }

    private void remove(String key) {
        Map<String, @Nullable ObjectNode> changes = new LinkedHashMap<>();
        changes.put(key, null);
        notifier.store().commit(changes);
    }
}
