package dev.coppice.probe;

import dev.coppice.kernel.Kernel;
import dev.coppice.probe.InvalidProbeException.FieldError;
import dev.coppice.probe.ProbeResult.Outcome;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Runs probes. Every probe opens connections of its own and closes them, as the field's probers do: a check sees what a
 * new client sees, and no target's state outlives a probe. Every probe is bounded in time, bytes, redirects and memory.
 * Safe for use by many threads; one per kernel, as its metrics are the kernel's.
 */
public final class Prober implements AutoCloseable {
    private final Kernel kernel;
    private final Semaphore places;
    private final BodyBudget budget;
    private final Dialer dialer;
    private final NameLookup names;
    private final Sandbox sandbox;
    private final ProberMetrics metrics;

    /** A prober that looks names up as the machine is configured to. */
    public Prober(Kernel kernel, ProberOptions options) {
        this(kernel, options, new DnsNameLookup(kernel.clock()));
    }

    public Prober(Kernel kernel, ProberOptions options, NameLookup names) {
        this.kernel = kernel;
        this.names = names;
        this.places = new Semaphore(options.concurrency());
        this.budget = new BodyBudget(options.bodyBudgetBytes());
        this.dialer = new Dialer(names, options.policy());
        this.sandbox = new Sandbox(options.sandbox(), options.commandConcurrency());
        this.metrics = new ProberMetrics(
                kernel.metrics(), () -> options.concurrency() - places.availablePermits(), places::getQueueLength);
    }

    private Prober(Prober other, AddressPolicy policy) {
        this.kernel = other.kernel;
        this.names = other.names;
        this.places = other.places;
        this.budget = other.budget;
        this.dialer = new Dialer(other.names, policy);
        this.sandbox = other.sandbox;
        this.metrics = other.metrics;
    }

    /** The same prober, with the same bounds and metrics, under another address policy. */
    public Prober withPolicy(AddressPolicy policy) {
        return new Prober(this, policy);
    }

    /**
     * Checks and compiles a specification.
     *
     * @throws InvalidProbeException with everything that is wrong with it
     */
    public PreparedProbe prepare(ProbeSpec spec) throws InvalidProbeException {
        var errors = new ArrayList<FieldError>();
        var run = compile(spec, errors);
        if (!errors.isEmpty()) {
            throw new InvalidProbeException(errors);
        }
        return new PreparedProbe(this, spec, run);
    }

    /** Prepares and runs once. */
    public ProbeResult probe(ProbeSpec spec, Duration timeout) throws InvalidProbeException, InterruptedException {
        return prepare(spec).run(timeout);
    }

    /** Takes the metrics out of the kernel's, so that another prober may take this one's place. Nothing else is held. */
    @Override
    public void close() {
        metrics.unregister();
    }

    private ProbeRun compile(ProbeSpec spec, ArrayList<FieldError> errors) {
        return switch (spec) {
            case ProbeSpec.Http s -> HttpProbe.of(s, dialer, budget, errors);
            case ProbeSpec.Tcp s -> TcpProbe.of(s, dialer, errors);
            case ProbeSpec.Tls s -> TlsProbe.of(s, dialer, errors);
            case ProbeSpec.Dns s -> DnsProbe.of(s, dialer, errors);
            case ProbeSpec.Grpc s -> GrpcProbe.of(s, dialer, errors);
            case ProbeSpec.Icmp s -> IcmpProbe.of(s, dialer, kernel.timers(), errors);
            case ProbeSpec.Postgres s -> PostgresProbe.of(s, dialer, kernel, errors);
            case ProbeSpec.Redis s -> RedisProbe.of(s, dialer, errors);
            case ProbeSpec.Command s -> CommandProbe.of(s, sandbox, budget, errors);
        };
    }

    ProbeResult run(ProbeSpec spec, ProbeRun run, Duration timeout) throws InterruptedException {
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("a probe needs a timeout of more than nothing, not " + timeout);
        }
        if (!places.tryAcquire() && !places.tryAcquire(timeout.toNanos(), TimeUnit.NANOSECONDS)) {
            return count(spec, overloaded(timeout));
        }
        try (var attempt = new Attempt(kernel.clock(), kernel.timers(), timeout)) {
            return count(spec, attempt(run, attempt));
        } finally {
            places.release();
        }
    }

    private ProbeResult attempt(ProbeRun run, Attempt attempt) throws InterruptedException {
        try {
            run.run(attempt);
            return attempt.result(Outcome.SUCCESS, "");
        } catch (ProbeFailure e) {
            return attempt.result(e.outcome(), e.reason());
        } catch (IOException e) {
            var failure = attempt.explain(e);
            return attempt.result(failure.outcome(), failure.reason());
        }
    }

    private ProbeResult overloaded(Duration timeout) {
        try (var attempt = new Attempt(kernel.clock(), kernel.timers(), timeout)) {
            return attempt.result(
                    Outcome.OVERLOADED,
                    "too many probes at once: no place became free within " + Attempt.words(timeout));
        }
    }

    private ProbeResult count(ProbeSpec spec, ProbeResult result) {
        metrics.count(spec.type(), result);
        return result;
    }
}
