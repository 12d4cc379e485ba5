package dev.coppice.control.oidc;

import com.fasterxml.jackson.databind.JsonNode;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.KeyUse;
import dev.coppice.control.request.Json;
import dev.coppice.control.webhook.ClientTls;
import dev.coppice.control.webhook.HttpsCall;
import dev.coppice.kernel.Backoff;
import dev.coppice.kernel.Kernel;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.text.ParseException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The keys of an issuer, fetched by a process of its own: at the start, every ten minutes, and when a token names one that is not
 * known, that at most every ten seconds. Those that are known stay while the issuer is away. Safe for use by many threads.
 */
final class IssuerKeys {
    private static final Logger LOG = System.getLogger(IssuerKeys.class.getName());
    private static final Duration REFRESH = Duration.ofMinutes(10);
    private static final Duration CALL = Duration.ofSeconds(10);
    private static final Duration PATIENCE = Duration.ofSeconds(3);
    private static final Backoff RETRY = Backoff.of(Duration.ofSeconds(1), Duration.ofMinutes(1));
    private static final int LARGEST = 1 << 20;
    private static final int MOST_KEYS = 100;
    private static final Map<String, String> HEADERS = Map.of("User-Agent", "coppice-oidc");

    private final Kernel kernel;
    private final URI issuer;
    private final ClientTls tls;
    private final Duration gap;
    private final BlockingQueue<Boolean> wanted = new ArrayBlockingQueue<>(1);
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition fetched = lock.newCondition();
    private final Counter fetches;
    private final Gauge known;
    private volatile Known current = new Known(List.of(), "they were not fetched yet");
    private long fetchCount;
    private long lastFetch;

    /**
     * What is known.
     *
     * @param problem why they could not be fetched the last time; empty when they were
     */
    record Known(List<JWK> keys, String problem) {}

    /** @param gap the least time between two fetches that tokens cause */
    IssuerKeys(Kernel kernel, URI issuer, ClientTls tls, Duration gap) {
        this.kernel = kernel;
        this.issuer = issuer;
        this.tls = tls;
        this.gap = gap;
        this.lastFetch = kernel.clock().nanoTime() - gap.toNanos();
        this.fetches = Counter.builder()
                .name("coppice_control_oidc_fetches_total")
                .help("Fetches of the keys of the OpenID Connect issuer.")
                .labelNames("result")
                .register(kernel.metrics());
        this.known = Gauge.builder()
                .name("coppice_control_oidc_keys")
                .help("Keys of the OpenID Connect issuer that are known.")
                .register(kernel.metrics());
    }

    Known current() {
        return current;
    }

    /** Fetches until it is interrupted. */
    void run() throws InterruptedException {
        int failures = 0;
        while (true) {
            failures = fetch() ? 0 : failures + 1;
            Duration wait = failures == 0 ? REFRESH : RETRY.delay(failures, kernel.random());
            Boolean _ = wanted.poll(wait.toNanos(), TimeUnit.NANOSECONDS);
        }
    }

    private boolean fetch() {
        Known next;
        try {
            next = new Known(keys(), "");
        } catch (IOException e) {
            next = new Known(current.keys, String.valueOf(e.getMessage()));
            if (!next.problem.equals(current.problem)) {
                LOG.log(
                        Level.WARNING,
                        "--oidc-issuer-url: the keys of " + issuer + " cannot be fetched: " + e.getMessage() + "; "
                                + (current.keys.isEmpty()
                                        ? "nobody can sign in with its tokens until they can"
                                        : "those that are known are used on"));
            }
        }
        boolean good = next.problem.isEmpty();
        fetches.labelValues(good ? "fetched" : "failed").inc();
        known.set(next.keys.size());
        lock.lock();
        try {
            current = next;
            fetchCount++;
            fetched.signalAll();
        } finally {
            lock.unlock();
        }
        return good;
    }

    private List<JWK> keys() throws IOException {
        String base = issuer.toString();
        URI discovery = URI.create((base.endsWith("/") ? base.substring(0, base.length() - 1) : base)
                + "/.well-known/openid-configuration");
        JsonNode configuration = Json.mapper().readTree(get(discovery));
        String named = configuration.path("issuer").asText();
        if (!named.equals(base)) {
            throw new IOException(discovery + " names the issuer \"" + named + "\": expected \"" + base + "\"");
        }
        try {
            URI where = URI.create(configuration.path("jwks_uri").asText());
            if (!"https".equals(where.getScheme()) || where.getHost() == null) {
                throw new IOException(discovery + " names the jwks_uri \"" + where + "\": expected https://…");
            }
            List<JWK> all = JWKSet.parse(new String(get(where), StandardCharsets.UTF_8)).getKeys().stream()
                    .filter(key -> key.getKeyUse() == null || key.getKeyUse().equals(KeyUse.SIGNATURE))
                    .limit(MOST_KEYS)
                    .toList();
            if (all.isEmpty()) {
                throw new IOException(where + " has no key that signs");
            }
            return all;
        } catch (ParseException | IllegalArgumentException e) {
            throw new IOException("its keys cannot be read: " + e.getMessage(), e);
        }
    }

    private byte[] get(URI where) throws IOException {
        HttpsCall.Answer answer =
                HttpsCall.to(tls, where, HEADERS, CALL, LARGEST).send(kernel, "GET", null);
        if (answer.status() != 200) {
            throw new IOException("GET " + where + " answered with status " + answer.status());
        }
        return answer.body();
    }

    /** Asks for a fetch because a key is not known, and waits a moment for it; at once when there was one lately. */
    void want() {
        lock.lock();
        try {
            long now = kernel.clock().nanoTime();
            if (now - lastFetch < gap.toNanos()) {
                return;
            }
            lastFetch = now;
            long before = fetchCount;
            boolean _ = wanted.offer(true);
            long left = PATIENCE.toNanos();
            while (fetchCount == before && left > 0) {
                left = fetched.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }
}
