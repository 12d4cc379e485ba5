package dev.coppice.gateway.balance;

import dev.coppice.gateway.config.OutlierConfig;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/**
 * Leaves endpoints out for a while that answer badly, as the requests show themselves: when failures follow each other, or when its success
 * rate is far below those of the others. The more often that happened, the longer; and never too many at one time. Requests are told on any
 * thread, without locks; sweeps come from one thread at a time.
 *
 * <p>Source: Envoy, "Outlier detection" of its documentation, whose words these are.
 */
public final class OutlierDetector {
    /** Why an endpoint is left out. */
    public enum Reason {
        CONSECUTIVE_5XX("consecutive-5xx"),
        CONSECUTIVE_GATEWAY_FAILURES("consecutive-gateway-failures"),
        SUCCESS_RATE("success-rate");

        /** For people. */
        public final String word;

        Reason(String word) {
            this.word = word;
        }
    }

    /** Hears of endpoints that are left out, on the thread that told of the last request. Does not block. */
    public interface Listener {
        /** An endpoint is left out from now on. */
        void ejected(Endpoint endpoint, Reason reason);

        /** It would have been, but too many are already. */
        void spared(Endpoint endpoint);
    }

    /** What is known of one endpoint. */
    public final class Endpoint {
        private final AtomicInteger errors = new AtomicInteger();
        private final AtomicInteger gatewayFailures = new AtomicInteger();
        private final LongAdder requests = new LongAdder();
        private final LongAdder successes = new LongAdder();
        private final AtomicInteger out = new AtomicInteger();
        /** Written by whoever takes it out, before others can see that it is. */
        private long until;

        private int times;
        private volatile boolean gone;

        private Endpoint() {}

        /**
         * It answered.
         *
         * @param code of HTTP
         * @param now nanoseconds of a clock
         */
        public void answered(int code, long now) {
            if (code < 500) {
                succeeded();
            } else {
                failed(code >= 502 && code <= 504, now);
            }
        }

        /** A request came to nothing: there was no connection, or no answer. */
        public void failed(long now) {
            failed(true, now);
        }

        private void succeeded() {
            // Most of the time there is nothing to write.
            if (errors.get() != 0) {
                errors.set(0);
            }
            if (gatewayFailures.get() != 0) {
                gatewayFailures.set(0);
            }
            if (config.successRate() != null) {
                requests.increment();
                successes.increment();
            }
        }

        private void failed(boolean ofGateway, long now) {
            if (config.successRate() != null) {
                requests.increment();
            }
            int row = errors.incrementAndGet();
            int gatewayRow = ofGateway ? gatewayFailures.incrementAndGet() : 0;
            if (!ofGateway) {
                gatewayFailures.set(0);
            }
            if (config.consecutiveGatewayFailures() > 0 && gatewayRow >= config.consecutiveGatewayFailures()) {
                eject(this, Reason.CONSECUTIVE_GATEWAY_FAILURES, now);
            } else if (config.consecutive5xx() > 0 && row >= config.consecutive5xx()) {
                eject(this, Reason.CONSECUTIVE_5XX, now);
            }
        }

        private OutlierDetector detector() {
            return OutlierDetector.this;
        }

        /** Whether it is left out. */
        public boolean ejected() {
            return out.get() != IN;
        }
    }

    private static final int IN = 0;
    private static final int GOING = 1;
    private static final int OUT = 2;
    private static final int ALL = 100;

    private final OutlierConfig config;
    private final Listener listener;
    private final AtomicInteger outNow = new AtomicInteger();
    private volatile int most;
    private List<Endpoint> endpoints = List.of();
    private long lastLook;
    private boolean looked;

    public OutlierDetector(OutlierConfig config, Listener listener) {
        this.config = config;
        this.listener = listener;
    }

    /** A new endpoint; it is looked at once it is among those of {@link #watch}. */
    public Endpoint endpoint() {
        return new Endpoint();
    }

    /** Whether it is one of its own. */
    public boolean watches(Endpoint endpoint) {
        return endpoint.detector() == this;
    }

    /** These are looked at from now on, and no others. Not while it sweeps. */
    public void watch(List<Endpoint> now) {
        Set<Endpoint> kept = new HashSet<>(now);
        for (Endpoint each : endpoints) {
            if (!kept.contains(each)) {
                each.gone = true;
                forget(each);
            }
        }
        endpoints = List.copyOf(now);
        int size = endpoints.size();
        most = size < 2 ? 0 : Math.max(1, size * config.maxEjectionPercent() / ALL);
    }

    /** One that is gone makes room for others, whoever sees it first. */
    private void forget(Endpoint endpoint) {
        if (endpoint.gone && endpoint.out.compareAndSet(OUT, GOING)) {
            outNow.decrementAndGet();
        }
    }

    private void eject(Endpoint endpoint, Reason reason, long now) {
        if (!endpoint.out.compareAndSet(IN, GOING)) {
            return;
        }
        int out = outNow.get();
        while (out < most && !outNow.compareAndSet(out, out + 1)) {
            out = outNow.get();
        }
        if (out >= most) {
            endpoint.out.set(IN);
            // Else it would be told with each further failure.
            endpoint.errors.set(0);
            endpoint.gatewayFailures.set(0);
            listener.spared(endpoint);
            return;
        }
        endpoint.times++;
        long time = Math.min(config.maxEjectionNanos(), config.baseEjectionNanos() * endpoint.times);
        endpoint.until = now + time;
        endpoint.out.set(OUT);
        forget(endpoint);
        listener.ejected(endpoint, reason);
    }

    /**
     * Lets those in again whose time is over, and compares success rates when it is time for that.
     *
     * @return whether any came in again
     */
    public boolean sweep(long now) {
        boolean changed = false;
        for (Endpoint each : endpoints) {
            if (each.out.get() == OUT && now - each.until >= 0) {
                each.errors.set(0);
                each.gatewayFailures.set(0);
                each.out.set(IN);
                outNow.decrementAndGet();
                changed = true;
            }
        }
        if (!looked) {
            looked = true;
            lastLook = now;
        } else if (now - lastLook >= config.intervalNanos()) {
            lastLook = now;
            look(now);
        }
        return changed;
    }

    private void look(long now) {
        List<Endpoint> compared = new ArrayList<>();
        List<Double> rates = new ArrayList<>();
        OutlierConfig.SuccessRate wanted = config.successRate();
        for (Endpoint each : endpoints) {
            long requests = each.requests.sumThenReset();
            long successes = each.successes.sumThenReset();
            if (each.out.get() != IN) {
                continue;
            }
            if (each.times > 0) {
                each.times--;
            }
            if (wanted != null && requests >= wanted.requestVolume()) {
                compared.add(each);
                rates.add((double) successes / requests);
            }
        }
        if (wanted == null || compared.size() < wanted.minimumEndpoints()) {
            return;
        }
        double threshold = threshold(rates, wanted.stdevFactor());
        for (int i = 0; i < compared.size(); i++) {
            if (rates.get(i) < threshold) {
                eject(compared.get(i), Reason.SUCCESS_RATE, now);
            }
        }
    }

    /** Below which a rate is far below the others. */
    static double threshold(List<Double> rates, double stdevFactor) {
        double mean = rates.stream().mapToDouble(each -> each).average().orElse(0);
        double variance = rates.stream()
                .mapToDouble(each -> (each - mean) * (each - mean))
                .average()
                .orElse(0);
        return mean - stdevFactor * Math.sqrt(variance);
    }
}
