package dev.coppice.gateway.control;

import dev.coppice.gateway.balance.LoadBalancers;
import dev.coppice.gateway.config.BalanceConfig;
import dev.coppice.gateway.config.BalanceConfig.HashKey;
import dev.coppice.gateway.config.BalanceConfig.MadeCookie;
import dev.coppice.gateway.config.BalanceConfig.SlowStart;
import dev.coppice.gateway.config.BalanceConfig.Subset;
import dev.coppice.gateway.kind.BackendTrafficPolicySpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Reads which endpoint gets a request. Pure functions. */
final class BalanceReader {
    private static final double PERCENT = 100;

    private BalanceReader() {}

    static BalanceConfig read(BackendTrafficPolicySpec.LoadBalancer spec) throws InvalidPolicyException {
        try {
            return section(spec);
        } catch (InvalidPolicyException e) {
            throw e.in("loadBalancer");
        }
    }

    private static BalanceConfig section(BackendTrafficPolicySpec.LoadBalancer spec) throws InvalidPolicyException {
        if (LoadBalancers.named(spec.algorithm()) == null) {
            throw new InvalidPolicyException("algorithm: \"" + spec.algorithm() + "\": expected one of "
                    + String.join(", ", LoadBalancers.names()));
        }
        int tableSize = spec.tableSize() == null ? 0 : spec.tableSize();
        if (spec.algorithm().equals("Maglev") && tableSize != 0 && !prime(tableSize)) {
            throw new InvalidPolicyException("tableSize: " + tableSize
                    + " is no prime number, which Maglev needs; the next is " + nextPrime(tableSize));
        }
        List<HashKey> keys = new ArrayList<>();
        for (BackendTrafficPolicySpec.HashKey each : spec.hashKeys()) {
            keys.add(key(each, "hashKeys[" + keys.size() + "]"));
        }
        BackendTrafficPolicySpec.SlowStart slow = spec.slowStart();
        return new BalanceConfig(
                spec.algorithm(),
                spec.choices() == null ? BalanceConfig.DEFAULT.choices() : spec.choices(),
                spec.decay() == null ? BalanceConfig.DEFAULT.decayNanos() : Durations.nanos("decay", spec.decay()),
                tableSize,
                keys,
                slow == null
                        ? null
                        : new SlowStart(
                                Durations.nanos("slowStart.window", slow.window()),
                                slow.aggressionPercent() / PERCENT,
                                slow.minWeightPercent() / PERCENT),
                spec.panicThresholdPercent(),
                spec.overprovisioningPercent(),
                spec.balanceFactorPercent() == null ? 0 : spec.balanceFactorPercent(),
                spec.subset() == null ? null : subset(spec.subset()));
    }

    private static Subset subset(BackendTrafficPolicySpec.Subset spec) {
        return new Subset(
                spec.label(),
                spec.header() == null ? null : spec.header().toLowerCase(Locale.ROOT),
                spec.cookie(),
                switch (spec.fallback()) {
                    case "None" -> Subset.Fallback.NONE;
                    case "Default" -> Subset.Fallback.DEFAULT;
                    default -> Subset.Fallback.ANY;
                },
                spec.defaultValue() == null ? "" : spec.defaultValue());
    }

    private static HashKey key(BackendTrafficPolicySpec.HashKey key, String place) throws InvalidPolicyException {
        BackendTrafficPolicySpec.Cookie cookie = key.cookie();
        if (cookie != null) {
            return new HashKey.Cookie(cookie.name(), made(cookie, place));
        }
        if (key.header() != null) {
            return new HashKey.Header(key.header().toLowerCase(Locale.ROOT));
        }
        return key.queryParameter() == null
                ? new HashKey.ClientAddress()
                : new HashKey.QueryParameter(key.queryParameter());
    }

    private static @Nullable MadeCookie made(BackendTrafficPolicySpec.Cookie cookie, String place)
            throws InvalidPolicyException {
        return cookie.ttl() == null
                ? null
                : new MadeCookie(
                        Durations.nanos(place + ".cookie.ttl", cookie.ttl()) / 1_000_000_000,
                        cookie.path() == null ? "/" : cookie.path(),
                        cookie.sameSite() == null ? "Lax" : cookie.sameSite(),
                        cookie.httpOnly(),
                        cookie.secure());
    }

    private static boolean prime(int number) {
        for (int each = 2; each * each <= number; each++) {
            if (number % each == 0) {
                return false;
            }
        }
        return number > 1;
    }

    private static int nextPrime(int number) {
        int next = number;
        while (!prime(next)) {
            next++;
        }
        return next;
    }
}
