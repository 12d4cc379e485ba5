package dev.coppice.health.check;

import dev.coppice.health.kind.DnsTarget;
import dev.coppice.kernel.Clock;
import dev.coppice.probe.AddressFamily;
import dev.coppice.probe.NameLookup;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * Asks for addresses as the machine itself does, its hosts file and {@code localhost} included: what a DNS check without a
 * server means when it asks for addresses.
 */
final class MachineLookup {
    private final NameLookup names;
    private final Clock clock;

    MachineLookup(NameLookup names, Clock clock) {
        this.names = names;
        this.clock = clock;
    }

    /** Whether a check is answered this way: addresses, no server, nothing asked about the DNS itself. */
    static boolean answers(DnsTarget dns) {
        String type = dns.recordType();
        return dns.server() == null
                && !"tcp".equals(dns.transport())
                && (dns.expectedCode() == null || dns.expectedCode().equals("NOERROR"))
                && (type == null || type.equals("A") || type.equals("AAAA"));
    }

    Attempt ask(DnsTarget dns, Duration timeout) throws InterruptedException {
        long start = clock.nanoTime();
        AddressFamily family = "AAAA".equals(dns.recordType()) ? AddressFamily.ONLY_IPV6 : AddressFamily.ONLY_IPV4;
        try {
            List<String> found = names.lookup(dns.name(), family, timeout).stream()
                    .map(InetAddress::getHostAddress)
                    .toList();
            Duration latency = Duration.ofNanos(clock.nanoTime() - start);
            List<String> missing = dns.expectedAnswers().stream()
                    .filter(answer -> !found.contains(answer))
                    .toList();
            String message = missing.isEmpty()
                    ? ""
                    : "expected " + String.join(", ", missing) + " among the answers, found "
                            + String.join(", ", found);
            return new Attempt(
                    missing.isEmpty(),
                    false,
                    message,
                    latency,
                    null,
                    0,
                    null,
                    Map.of("Answers", String.join("; ", found)));
        } catch (IOException e) {
            return Attempt.failure(String.valueOf(e.getMessage()), Duration.ofNanos(clock.nanoTime() - start));
        }
    }
}
