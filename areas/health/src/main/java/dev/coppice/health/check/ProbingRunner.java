package dev.coppice.health.check;

import dev.coppice.control.Key;
import dev.coppice.health.check.Secrets.MissingSecretException;
import dev.coppice.health.kind.DnsTarget;
import dev.coppice.kernel.Clock;
import dev.coppice.probe.AddressPolicy;
import dev.coppice.probe.DnsNameLookup;
import dev.coppice.probe.InvalidProbeException;
import dev.coppice.probe.PreparedProbe;
import dev.coppice.probe.ProbeResult;
import dev.coppice.probe.ProbeSpec;
import dev.coppice.probe.Prober;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Runs checks by the prober. Compiled probes are kept until the check, or a secret in it, changes. */
public final class ProbingRunner implements CheckRunner {
    private static final Duration LEAST = Duration.ofMillis(1);
    private static final int EXCERPT = 2048;

    private final Prober prober;
    private final Prober openProber;
    private final Secrets secrets;
    private final HostAccess hostAccess;
    private final Clock clock;
    private final MachineLookup lookup;
    private final Map<Key, Prepared> prepared = new ConcurrentHashMap<>();

    private record Prepared(CheckPlan plan, @Nullable ProbeSpec spec, boolean open, PreparedProbe probe) {}

    public ProbingRunner(Prober prober, Secrets secrets, HostAccess hostAccess, Clock clock) {
        this.prober = prober;
        this.openProber = prober.withPolicy(AddressPolicy.OPEN);
        this.secrets = secrets;
        this.hostAccess = hostAccess;
        this.clock = clock;
        this.lookup = new MachineLookup(new DnsNameLookup(clock), clock);
    }

    /** What is wrong with a plan's target that only the prober can tell; empty when nothing is, or a secret is missing. */
    public List<String> errors(CheckPlan plan) {
        if (plan.spec().heartbeat() != null || plan.spec().composite() != null) {
            return List.of();
        }
        try {
            prober.prepare(translation(plan).translate(plan.spec(), false));
            return List.of();
        } catch (InvalidProbeException e) {
            return e.errors().stream()
                    .map(error -> "spec." + plan.type() + "." + error)
                    .toList();
        } catch (IllegalArgumentException e) {
            return List.of(String.valueOf(e.getMessage()));
        } catch (MissingSecretException e) {
            return List.of();
        }
    }

    @Override
    public Attempt run(CheckPlan plan) throws InterruptedException {
        DnsTarget dns = plan.spec().dns();
        if (dns != null && MachineLookup.answers(dns)) {
            return lookup.ask(dns, plan.timeout());
        }
        try {
            return attempt(plan, prepare(plan).run(plan.timeout()));
        } catch (MissingSecretException | InvalidProbeException | IllegalArgumentException e) {
            return Attempt.failure(String.valueOf(e.getMessage()), null);
        }
    }

    @Override
    public void forget(CheckPlan plan) {
        prepared.remove(plan.key());
    }

    private SpecTranslation translation(CheckPlan plan) {
        return new SpecTranslation(secrets, plan.key().namespace());
    }

    private PreparedProbe prepare(CheckPlan plan) throws MissingSecretException, InvalidProbeException {
        Prepared known = prepared.get(plan.key());
        boolean fixed = !SpecTranslation.readsSecrets(plan.spec());
        boolean open = plan.spec().hostAccessClassName() != null
                && granted(plan, plan.spec().hostAccessClassName(), false);
        boolean host = plan.spec().command() != null
                && plan.spec().command().hostAccessClassName() != null
                && granted(plan, plan.spec().command().hostAccessClassName(), true);
        if (known != null && known.plan() == plan && fixed && known.open() == open && !host) {
            return known.probe();
        }
        ProbeSpec spec = translation(plan).translate(plan.spec(), host);
        if (known != null && spec.equals(known.spec()) && known.open() == open) {
            return known.probe();
        }
        PreparedProbe probe = (open ? openProber : prober).prepare(spec);
        prepared.put(plan.key(), new Prepared(plan, fixed && !host ? null : spec, open, probe));
        return probe;
    }

    private boolean granted(CheckPlan plan, String className, boolean command) {
        HostAccess.Grant grant = hostAccess.ask(plan.key().namespace(), className);
        if (!grant.refusal().isEmpty()) {
            throw new IllegalArgumentException(grant.refusal());
        }
        if (command ? !grant.commands() : !grant.restrictedAddresses()) {
            throw new IllegalArgumentException("HostAccessClass \"" + className + "\" does not permit "
                    + (command ? "commands outside the sandbox" : "link-local and metadata addresses")
                    + "; use another class, or have an administrator change it");
        }
        return true;
    }

    private Attempt attempt(CheckPlan plan, ProbeResult result) {
        Map<String, String> facts = facts(result);
        Instant expiry = result.tls() == null ? null : result.tls().earliestExpiry();
        String expires = result.success() ? expiring(plan, expiry) : "";
        Duration connect = result.phases().resolve().plus(result.phases().connect());
        return new Attempt(
                result.success() && expires.isEmpty(),
                false,
                result.success() ? expires : result.reason(),
                result.duration().compareTo(LEAST.dividedBy(1000)) < 0 ? null : result.duration(),
                connect.isZero() ? null : connect,
                code(result),
                expiry,
                facts);
    }

    private String expiring(CheckPlan plan, @Nullable Instant expiry) {
        Integer days = plan.spec().http() == null ? null : plan.spec().http().minCertificateDays();
        if (days == null || expiry == null) {
            return "";
        }
        Duration left = Duration.between(clock.now(), expiry);
        return left.toDays() < days
                ? "a certificate ends in " + left.toDays() + " days, on " + expiry + "; at least " + days
                        + " days are expected"
                : "";
    }

    private static int code(ProbeResult result) {
        if (result.http() != null) {
            return result.http().status();
        } else if (result.command() != null) {
            return result.command().exitCode();
        }
        return result.grpc() != null ? result.grpc().statusCode() : 0;
    }

    private static Map<String, String> facts(ProbeResult result) {
        Map<String, String> facts = new LinkedHashMap<>();
        if (result.address() != null) {
            facts.put("Address", result.address());
        }
        if (result.http() != null) {
            facts.put(
                    "HTTP status",
                    result.http().status() + " (HTTP/" + result.http().version() + ")");
            facts.put("Redirects", String.valueOf(result.http().redirects()));
        }
        if (result.tls() != null) {
            facts.put("TLS", result.tls().version() + ", " + result.tls().cipherSuite());
            facts.put("Certificate", result.tls().subject());
            facts.put("Issuer", result.tls().issuer());
            facts.put("Certificate ends", String.valueOf(result.tls().earliestExpiry()));
        }
        if (result.dns() != null) {
            facts.put("Response code", result.dns().responseCode());
            facts.put("Answers", String.join("; ", result.dns().answers()));
        }
        if (result.command() != null) {
            facts.put("Exit code", String.valueOf(result.command().exitCode()));
            facts.put("Sandbox", result.command().sandboxed() ? "yes" : "no");
        }
        if (result.grpc() != null) {
            facts.put("gRPC", result.grpc().servingStatus());
        }
        ProbeResult.Phases phases = result.phases();
        phase(facts, "Resolve", phases.resolve());
        phase(facts, "Connect", phases.connect());
        phase(facts, "TLS handshake", phases.tls());
        phase(facts, "Processing", phases.processing());
        phase(facts, "Transfer", phases.transfer());
        if (!result.excerpt().isEmpty()) {
            String excerpt = result.excerpt();
            facts.put("Answer", excerpt.length() > EXCERPT ? excerpt.substring(0, EXCERPT) + "…" : excerpt);
        }
        return facts;
    }

    private static void phase(Map<String, String> facts, String name, Duration duration) {
        if (!duration.isZero()) {
            facts.put(name, Durations.text(duration));
        }
    }
}
