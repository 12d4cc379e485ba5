package dev.coppice.control.access;

import dev.coppice.control.ApiException;
import dev.coppice.control.request.Statuses;
import dev.coppice.serving.Identity;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.HashMap;
import java.util.Map;

/**
 * Bounds the requests under way and shares them between users: each may have its part of those allowed, counted over all who have
 * any, and never more than half, so that a user who floods leaves room for the others. Those beyond are refused at once with 429
 * and {@code Retry-After}, which Kubernetes' clients heed. Members of {@code system:masters} are not counted. Watches are not
 * meant to be: they wait most of the time. Safe for use by many threads.
 */
public final class RequestLimits {
    private static final String EXEMPT = "system:masters";
    private static final int RETRY_SECONDS = 1;

    private final int most;
    private final Counter refused;
    private final Gauge running;
    private final Map<String, Integer> byUser = new HashMap<>();
    private int total;

    /** Limits for at most that many requests. */
    public RequestLimits(PrometheusRegistry metrics, int most) {
        if (most < 2) {
            throw new IllegalArgumentException("at most " + most + " requests: it has to be 2 or more");
        }
        this.most = most;
        this.refused = Counter.builder()
                .name("coppice_control_requests_refused_total")
                .help(
                        "Requests refused with 429, because all (total) or the user's own (user) were as many as allowed.")
                .labelNames("limit")
                .register(metrics);
        this.running = Gauge.builder()
                .name("coppice_control_requests_running")
                .help("Requests under way that count towards the limit.")
                .register(metrics);
    }

    /** A request under way; close it when it is over. */
    public interface Permit extends AutoCloseable {
        Permit FREE = () -> {};

        @Override
        void close();
    }

    /**
     * Lets a request begin.
     *
     * @throws ApiException 429, when there are too many
     */
    public Permit enter(Identity identity) {
        if (identity.groups().contains(EXEMPT)) {
            return Permit.FREE;
        }
        String user = identity.name();
        synchronized (this) {
            int own = byUser.getOrDefault(user, 0);
            int users = byUser.size() + (own == 0 ? 1 : 0);
            int share = Math.max(1, most / Math.max(2, users));
            if (total >= most) {
                throw refuse("total", most + " requests are under way, the most allowed");
            }
            if (own >= share) {
                throw refuse(
                        "user",
                        own + " requests of " + Statuses.quote(user) + " are under way, its share of " + most
                                + " between " + users + " users");
            }
            byUser.put(user, own + 1);
            total++;
            running.set(total);
        }
        return () -> leave(user);
    }

    private ApiException refuse(String limit, String why) {
        refused.labelValues(limit).inc();
        return Statuses.tooManyRequests(why + "; please try again later", RETRY_SECONDS);
    }

    private synchronized void leave(String user) {
        int own = byUser.getOrDefault(user, 0) - 1;
        if (own > 0) {
            byUser.put(user, own);
        } else {
            byUser.remove(user);
        }
        total--;
        running.set(total);
    }
}
