package dev.coppice.health.notify;

import dev.coppice.control.Key;
import dev.coppice.health.check.CheckView;
import dev.coppice.health.series.Ledger;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The notification side of the area: notifier, outbox and deliveries, as children of a supervisor. */
public final class Notifications implements AutoCloseable {
    private static final int DELIVERERS = 4;
    private static final Duration PAUSE = Duration.ofMillis(500);

    private final Kernel kernel;
    private final Notifier notifier;
    private final Delivery delivery;
    private final Counter counter = Counter.builder()
            .name("coppice_health_notifications_total")
            .help("Deliveries of notifications, by how they went.")
            .labelNames("result")
            .build();
    private final GaugeWithCallback waiting;

    public Notifications(
            Kernel kernel,
            Ledger ledger,
            Function<Key, Optional<CheckView>> checks,
            Function<Key, Optional<String>> uids,
            Channel channel) {
        this.kernel = kernel;
        NotifyStore store = new NotifyStore(ledger);
        this.notifier = new Notifier(store, checks, uids);
        this.delivery = new Delivery(kernel, notifier, channel, counter);
        this.waiting = GaugeWithCallback.builder()
                .name("coppice_health_notifications_waiting")
                .help("Notifications in the outbox.")
                .callback(out -> out.call(store.count(Notifier.OUTBOX)))
                .build();
    }

    public Notifier notifier() {
        return notifier;
    }

    /** When a notification of the policy was delivered last; null when none was since the start. */
    public @Nullable Instant lastDelivery(Key policy) {
        return delivery.outcome(policy).map(Delivery.Outcome::lastDelivery).orElse(null);
    }

    /** What went wrong with the last delivery of the policy; empty when it went well. */
    public String lastError(Key policy) {
        return delivery.outcome(policy).map(Delivery.Outcome::lastError).orElse("");
    }

    public void start(Supervisor supervisor) throws StartException {
        kernel.metrics().register(counter);
        kernel.metrics().register(waiting);
        supervisor.start(ChildSpec.periodic(
                "notifier",
                PAUSE,
                Duration.ZERO,
                () -> notifier.tick(kernel.clock().now())));
        for (int i = 0; i < DELIVERERS; i++) {
            supervisor.start(ChildSpec.periodic("delivery-" + i, PAUSE, PAUSE, this::deliverAll));
        }
    }

    private void deliverAll() throws InterruptedException {
        boolean more = true;
        while (more) {
            more = delivery.deliverOne();
        }
    }

    @Override
    public void close() {
        kernel.metrics().unregister(counter);
        kernel.metrics().unregister(waiting);
    }
}
