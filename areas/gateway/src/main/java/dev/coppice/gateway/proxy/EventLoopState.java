package dev.coppice.gateway.proxy;

import dev.coppice.gateway.balance.Pick;
import dev.coppice.gateway.balance.Places;
import dev.coppice.gateway.balance.Plan;
import dev.coppice.gateway.balance.Subsets;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.http1.Http1Codec;
import dev.coppice.gateway.limit.KeyHash;
import dev.coppice.gateway.log.LogClock;
import dev.coppice.gateway.proxyprotocol.ConnectionEnds;
import dev.coppice.gateway.trace.Span;
import dev.coppice.gateway.trace.TraceParent;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.HttpHeaders;
import java.time.Instant;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What belongs to one event loop: its connections to endpoints, and its clients with their deadlines. Used on that loop only.
 * Deadlines are looked at by a tick, which costs nothing for each request; there is none while there is nothing to look at.
 */
final class EventLoopState {
    private static final long TICK_MILLIS = 50;
    private static final int TICKS_A_SECOND = 20;

    final ProxyDataPlane plane;
    final EventLoop loop;
    private static final int LONG_HEX_DIGITS = 16;
    final SplittableRandom random;
    final RequestReport report = new RequestReport();
    private final LogClock clock;
    private final LoopLogs logs;
    private final LoopSpans spans = new LoopSpans();
    final TargetConnector connector = new TargetConnector(this);
    final KeyHash limitKeys;
    final Http1Codec http1;
    final Overload.Loop overload;
    final Places places = new Places();
    private final Pick pick;
    private final Map<Upstream.Target, TargetPool> pools = new IdentityHashMap<>();
    /** Connections that are for one client, as they begin with who that is. */
    private final Map<Client, Map<Upstream.Target, TargetPool>> introduced = new IdentityHashMap<>();

    private final Map<Upstream, Cursor> cursors = new IdentityHashMap<>();
    private final Chain<Client> clients = new Chain<>();
    private final Chain<Exchange> exchanges = new Chain<>();
    private final Chain<Tunnel> tunnels = new Chain<>();
    private final Chain<MirrorAttempt> mirrors = new Chain<>();
    private boolean ticking;
    private long tickDue;
    private int ticks;

    /** Whose turn it is. */
    private static final class Cursor {
        private static final int MOST_SUBSETS = 4 * Subsets.MOST;

        int next;
        private @Nullable Map<String, Cursor> subsets;

        Cursor(SplittableRandom random) {
            next = random.nextInt(1 << 20);
        }

        /** That of a subset: by a common one, requests that name two of them by turns would each get every second endpoint only. */
        Cursor of(String subset, SplittableRandom random) {
            Map<String, Cursor> known = subsets;
            if (known == null || known.size() > MOST_SUBSETS) {
                // Names may have come and gone.
                known = new HashMap<>();
                subsets = known;
            }
            return known.computeIfAbsent(subset, _ -> new Cursor(random));
        }
    }

    EventLoopState(ProxyDataPlane plane, EventLoop loop, long seed) {
        this.plane = plane;
        this.loop = loop;
        this.random = new SplittableRandom(seed);
        this.clock = new LogClock(plane.clock);
        this.logs = new LoopLogs(clock, random);
        this.limitKeys = plane.limits.hash();
        this.http1 = new Http1Codec(plane.options.maxLineBytes(), plane.options.maxHeaderBytes());
        this.pick = new Pick(random, plane.clock::nanoTime);
        this.overload = plane.overload.loop();
    }

    /** Runs something on the loop, from any thread; once the data plane has stopped, nobody waits for it any more. */
    void execute(Runnable task) {
        try {
            loop.execute(task);
        } catch (RejectedExecutionException e) {
            // It has stopped.
        }
    }

    /** A random number in 32 hexadecimal digits. */
    String randomHex() {
        StringBuilder hex = new StringBuilder(2 * LONG_HEX_DIGITS);
        for (int i = 0; i < 2; i++) {
            String digits = Long.toHexString(random.nextLong());
            hex.repeat('0', LONG_HEX_DIGITS - digits.length()).append(digits);
        }
        return hex.toString();
    }

    long now() {
        return plane.clock.nanoTime();
    }

    /**
     * The endpoint that gets a request; null when none may.
     *
     * @param headers of the request, which may name a subset of the endpoints; null: there are none
     * @param hash what the request has in common with others, by the keys of {@code state}
     * @param failed not this one, if there is another
     */
    Upstream.@Nullable Target choose(
            Upstream upstream,
            Upstream.State state,
            @Nullable HttpHeaders headers,
            long hash,
            Upstream.@Nullable Target failed) {
        Cursor cursor = cursors.computeIfAbsent(upstream, _ -> new Cursor(random));
        Plan plan = state.plan();
        Subsets subsets = state.subsets();
        if (subsets != null) {
            Subsets.Named named = upstream.subset(subsets, headers);
            plan = named.plan();
            cursor = cursor.of(named.name(), random);
        }
        int turn = cursor.next++;
        if (cursor.next < 0) {
            cursor.next = 0;
        }
        int unwanted = failed == null ? -1 : state.targets().indexOf(failed);
        int chosen = plan.choose(pick.with(turn, hash, unwanted));
        if (pick.passedOver()) {
            upstream.passedOver();
        }
        return chosen == Plan.NONE ? null : state.targets().get(chosen);
    }

    TargetPool pool(Upstream.Target target) {
        return pools.computeIfAbsent(target, each -> newPool(each, null));
    }

    /** Connections to an endpoint for requests of a client. */
    TargetPool pool(Upstream.Target target, Client client) {
        if (target.proxyProtocol == null) {
            return pool(target);
        }
        return introduced
                .computeIfAbsent(client, _ -> new IdentityHashMap<>(2))
                .computeIfAbsent(target, each -> newPool(each, client.ends()));
    }

    private TargetPool newPool(Upstream.Target target, @Nullable ConnectionEnds ends) {
        return target.protocol == UpstreamConfig.Protocol.H2C
                ? new Http2TargetPool(this, target, ends)
                : new Http1TargetPool(this, target, ends);
    }

    void opened(Client client) {
        clients.add(client);
        tick();
    }

    void closed(Client client) {
        clients.remove(client);
    }

    /** A client is gone, with all that it asked for. */
    void forget(Client client) {
        if (!introduced.isEmpty()) {
            Map<Upstream.Target, TargetPool> its = introduced.remove(client);
            if (its != null) {
                its.values().forEach(TargetPool::retire);
            }
        }
    }

    void began(Exchange exchange) {
        exchanges.add(exchange);
    }

    void ended(Exchange exchange) {
        exchanges.remove(exchange);
    }

    /** A request is over. */
    void tell(Observation observation, RequestReport of) {
        logs.add(observation.logs(), of);
        if (plane.taps.watched()) {
            plane.taps.tell(of, clock, of.endNanos());
        }
        RequestTrace trace = of.trace();
        if (trace != null && trace.sampled()) {
            RequestSpans.record(trace, of, plane.clock.now(), now());
        }
        of.clear();
    }

    /** A stream, or a client's datagrams, is over. */
    void tell(Observation observation, StreamReport of, Port port) {
        logs.add(observation.logs(), of);
        if (plane.taps.watched()) {
            plane.taps.tell(of, clock, now());
        }
        Tracing tracing = observation.tracing();
        if (tracing != null) {
            TraceParent trace = TraceParent.random(random);
            if (tracing.takes(trace, 0, of.variables(), plane.metrics)) {
                Instant now = plane.clock.now();
                long end = now.getEpochSecond() * 1_000_000_000 + now.getNano();
                record(tracing.exporter(), StreamSpans.of(trace.sampled(true), of, port.number(), end));
            }
        }
        // Nothing else may be there for whose sake lines are handed over.
        tick();
    }

    void record(SpanExporter exporter, Span span) {
        spans.add(exporter, span);
    }

    /** Hands over the lines and spans that there are. */
    void flush() {
        logs.flush();
        spans.flush();
    }

    void began(Tunnel tunnel) {
        tunnels.add(tunnel);
    }

    void ended(Tunnel tunnel) {
        tunnels.remove(tunnel);
    }

    void began(MirrorAttempt mirror) {
        mirrors.add(mirror);
        tick();
    }

    void ended(MirrorAttempt mirror) {
        mirrors.remove(mirror);
    }

    Iterable<Client> clients() {
        return clients;
    }

    int openConnections() {
        int open = 0;
        for (TargetPool each : pools.values()) {
            open += each.open();
        }
        for (Map<Upstream.Target, TargetPool> its : introduced.values()) {
            for (TargetPool each : its.values()) {
                open += each.open();
            }
        }
        return open;
    }

    int activeExchanges() {
        return exchanges.size();
    }

    void tick() {
        if (!ticking && !loop.isShuttingDown()) {
            ticking = true;
            tickDue = now() + TimeUnit.MILLISECONDS.toNanos(TICK_MILLIS);
            var _ = loop.schedule(this::sweep, TICK_MILLIS, TimeUnit.MILLISECONDS);
        }
    }

    private void sweep() {
        ticking = false;
        long now = now();
        overload.late(now - tickDue);
        for (Exchange each : exchanges) {
            each.checkDeadlines(now);
        }
        if (++ticks % TICKS_A_SECOND == 0) {
            for (MirrorAttempt each : mirrors) {
                each.checkDeadline(now);
            }
            for (Tunnel each : tunnels) {
                each.checkTime(now);
            }
            for (Client each : clients) {
                each.checkIdle(now);
            }
            closeIdle(pools, now);
            for (Map<Upstream.Target, TargetPool> its : introduced.values()) {
                closeIdle(its, now);
            }
            flush();
            plane.overload.look(now);
        }
        if (!overload.well() || clients.size() > 0 || exchanges.size() > 0 || mirrors.size() > 0 || !pools.isEmpty()) {
            tick();
        } else {
            // Nobody would write what is left for as long as nobody comes.
            flush();
        }
    }

    private static void closeIdle(Map<Upstream.Target, TargetPool> of, long now) {
        for (Iterator<TargetPool> each = of.values().iterator(); each.hasNext(); ) {
            TargetPool pool = each.next();
            pool.closeIdle(now);
            if (pool.empty()) {
                each.remove();
            }
        }
    }

    /** Closes unused connections to endpoints that are gone. */
    void configChanged(Set<Upstream> kept) {
        long now = now();
        logs.configChanged();
        spans.flush();
        cursors.keySet().removeIf(each -> !kept.contains(each));
        pools.values().forEach(each -> each.closeIdle(now));
        introduced.values().forEach(its -> its.values().forEach(each -> each.closeIdle(now)));
    }

    /** Lets the connections of a listener end with what they are doing; those that take longer are closed. */
    void drain(Port port) {
        for (Client each : clients) {
            if (each.port() == port) {
                each.drain();
            }
        }
        var _ = loop.schedule(
                () -> {
                    for (Client each : clients) {
                        if (each.port() == port) {
                            each.close();
                        }
                    }
                },
                plane.options.drain().toMillis(),
                TimeUnit.MILLISECONDS);
    }

    void closeAll() {
        for (Client each : clients) {
            each.close();
        }
        pools.values().forEach(TargetPool::closeAll);
        introduced.values().forEach(its -> its.values().forEach(TargetPool::closeAll));
        flush();
    }
}
