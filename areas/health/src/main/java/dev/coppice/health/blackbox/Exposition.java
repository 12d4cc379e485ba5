package dev.coppice.health.blackbox;

import dev.coppice.probe.Assertion;
import dev.coppice.probe.ProbeResult;
import dev.coppice.probe.ProbeSpec;
import dev.coppice.probe.TlsFacts;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Writes a result with blackbox_exporter's metric names and help texts, in Prometheus' text format 0.0.4. One use each. */
final class Exposition {
    private record Family(String help, Map<String, Double> samples) {}

    private final Map<String, Family> families = new TreeMap<>();

    private Exposition() {}

    /** The metrics of one probe. */
    static String of(ProbeSpec spec, ProbeResult result, boolean success) {
        var out = new Exposition();
        out.common(result, success);
        switch (spec) {
            case ProbeSpec.Http s -> out.http(s, result);
            case ProbeSpec.Tcp s -> out.tcp(result);
            case ProbeSpec.Dns s -> out.dns(result);
            case ProbeSpec.Icmp s -> out.icmp(result);
            case ProbeSpec.Grpc s -> out.grpc(s, result);
            case ProbeSpec.Tls s -> out.tls(result);
            case ProbeSpec.Postgres s -> {}
            case ProbeSpec.Redis s -> {}
            case ProbeSpec.Command s -> {}
        }
        return out.text();
    }

    private void gauge(String name, String help, double value) {
        gauge(name, help, "", value);
    }

    private void gauge(String name, String help, String labels, double value) {
        families.computeIfAbsent(name, n -> new Family(help, new LinkedHashMap<>()))
                .samples()
                .put(labels, value);
    }

    private static double seconds(Duration duration) {
        return duration.toNanos() / 1e9;
    }

    private static double flag(boolean value) {
        return value ? 1 : 0;
    }

    private void common(ProbeResult result, boolean success) {
        gauge("probe_success", "Displays whether or not the probe was a success", flag(success));
        gauge(
                "probe_duration_seconds",
                "Returns how long the probe took to complete in seconds",
                seconds(result.duration()));
        gauge(
                "probe_dns_lookup_time_seconds",
                "Returns the time taken for probe dns lookup in seconds",
                seconds(result.phases().resolve()));
        gauge("probe_ip_protocol", "Specifies whether probe ip protocol is IP4 or IP6", result.ipProtocol());
        gauge(
                "probe_ip_addr_hash",
                "Specifies the hash of IP address. It's useful to detect if the IP address changes.",
                hash(result.address()));
    }

    /** FNV-1a, 32 bits, as blackbox_exporter computes it. */
    private static double hash(@Nullable String address) {
        if (address == null) {
            return 0;
        }
        int hash = 0x811c9dc5;
        for (byte b : InetAddress.ofLiteral(address).getAddress()) {
            hash = (hash ^ b & 0xff) * 0x01000193;
        }
        return Integer.toUnsignedLong(hash);
    }

    private void phases(String name, String help, Map<String, Duration> phases) {
        new TreeMap<>(phases).forEach((phase, time) -> gauge(name, help, "phase=\"" + phase + "\"", seconds(time)));
    }

    private void http(ProbeSpec.Http spec, ProbeResult result) {
        var facts = result.http();
        var phases = result.phases();
        phases(
                "probe_http_duration_seconds",
                "Duration of http request by phase, summed over all redirects",
                Map.of(
                        "resolve", phases.resolve(),
                        "connect", phases.connect(),
                        "tls", phases.tls(),
                        "processing", phases.processing(),
                        "transfer", phases.transfer()));
        // There, a redirect that is not followed counts all the same, and its body is not read.
        boolean stayed = facts != null
                && spec.maxRedirects() == 0
                && facts.status() / 100 == 3
                && facts.headers().containsKey("location");
        gauge("probe_http_status_code", "Response HTTP status code", facts == null ? 0 : facts.status());
        gauge(
                "probe_http_content_length",
                "Length of http content response",
                facts == null ? 0 : facts.contentLength());
        gauge(
                "probe_http_uncompressed_body_length",
                "Length of uncompressed response body",
                facts == null || stayed ? 0 : facts.bodyBytes());
        gauge("probe_http_redirects", "The number of redirects", facts == null ? 0 : stayed ? 1 : facts.redirects());
        gauge(
                "probe_http_ssl",
                "Indicates if SSL was used for the final redirect",
                flag(facts != null && facts.finalUrl().startsWith("https:")));
        gauge(
                "probe_http_version",
                "Returns the version of HTTP of the probe response",
                facts == null ? 0 : Double.parseDouble(facts.version()));
        gauge("probe_failed_due_to_regex", "Indicates if probe failed due to regex", flag(failedByRegex(result)));
        if (spec.assertions().stream().anyMatch(Assertion.Expression.class::isInstance)) {
            gauge(
                    "probe_failed_due_to_cel",
                    "Indicates if probe failed due to CEL expression not matching",
                    flag(failed(result, Assertion.Expression.class)));
        }
        var modified = facts == null ? null : modified(facts.headers().get("last-modified"));
        if (modified != null) {
            gauge(
                    "probe_http_last_modified_timestamp_seconds",
                    "Returns the Last-Modified HTTP response header in unixtime",
                    modified.getEpochSecond());
        }
        if (facts != null && facts.finalUrl().startsWith("https:")) {
            tls(result);
        }
    }

    private static boolean failedByRegex(ProbeResult result) {
        return failed(result, Assertion.BodyMatches.class) || failed(result, Assertion.HeaderMatches.class);
    }

    private static boolean failed(ProbeResult result, Class<? extends Assertion> sort) {
        return result.assertions().stream().anyMatch(o -> !o.passed() && sort.isInstance(o.assertion()));
    }

    private static @Nullable Instant modified(@Nullable String text) {
        try {
            return text == null
                    ? null
                    : ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME)
                            .toInstant();
        } catch (DateTimeParseException e) {
            return null;
        }
    }

    private void tcp(ProbeResult result) {
        gauge(
                "probe_failed_due_to_regex",
                "Indicates if probe failed due to regex",
                flag(result.reason().contains(" that matches \"")
                        || result.reason().contains(" lines matches \"")));
        if (result.tls() != null) {
            tls(result);
        }
    }

    private void tls(ProbeResult result) {
        var facts = result.tls();
        if (facts == null || facts.chain().isEmpty() || facts.version().isEmpty()) {
            return;
        }
        var earliest = facts.earliestExpiry();
        // Go's zero time stands for "no chain verified".
        double last = facts.verified() && earliest != null ? earliest.getEpochSecond() : -62_135_596_800d;
        gauge(
                "probe_ssl_earliest_cert_expiry",
                "Returns last SSL chain expiry in unixtime",
                earliest == null ? 0 : earliest.getEpochSecond());
        gauge("probe_ssl_last_chain_expiry_timestamp_seconds", "Returns last SSL chain expiry in timestamp", last);
        gauge("probe_ssl_last_chain_info", "Contains SSL leaf certificate information", info(facts), 1);
        gauge(
                "probe_tls_version_info",
                "Returns the TLS version used or NaN when unknown",
                "version=\"" + facts.version().replace("TLSv", "TLS ") + "\"",
                1);
    }

    private static String info(TlsFacts facts) {
        var names = facts.alternativeNames().stream()
                .filter(n -> n.indexOf(':') < 0 && !n.matches("[0-9.]+"))
                .toList();
        return "fingerprint_sha256=" + quoted(facts.fingerprint()) + ",issuer=" + quoted(facts.issuer()) + ",subject="
                + quoted(facts.subject()) + ",subjectalternative=" + quoted(String.join(",", names));
    }

    private void dns(ProbeResult result) {
        var facts = result.dns();
        var phases = result.phases();
        phases(
                "probe_dns_duration_seconds",
                "Duration of DNS request by phase",
                Map.of("resolve", phases.resolve(), "connect", phases.connect(), "request", phases.processing()));
        count("probe_dns_answer_rrs", "answer", facts == null ? List.of() : facts.answers());
        count("probe_dns_authority_rrs", "authority", facts == null ? List.of() : facts.authority());
        count("probe_dns_additional_rrs", "additional", facts == null ? List.of() : facts.additional());
        gauge(
                "probe_dns_query_succeeded",
                "Displays whether or not the query was executed successfully",
                flag(facts != null));
        if (facts != null && facts.serial() >= 0) {
            gauge("probe_dns_serial", "Returns the serial number of the zone", facts.serial());
        }
    }

    private void count(String name, String section, List<String> records) {
        gauge(name, "Returns number of entries in the " + section + " resource record list", records.size());
    }

    private void icmp(ProbeResult result) {
        var phases = result.phases();
        var rtt = result.icmp() == null ? Duration.ZERO : phases.processing();
        phases(
                "probe_icmp_duration_seconds",
                "Duration of icmp request by phase",
                Map.of("resolve", phases.resolve(), "setup", phases.connect(), "rtt", rtt));
        var facts = result.icmp();
        if (facts != null && facts.hopLimit() >= 0) {
            gauge("probe_icmp_reply_hop_limit", "Replied packet hop limit (TTL for ipv4)", facts.hopLimit());
        }
    }

    private void grpc(ProbeSpec.Grpc spec, ProbeResult result) {
        var facts = result.grpc();
        var phases = result.phases();
        var check =
                phases.connect().plus(phases.tls()).plus(phases.processing()).plus(phases.transfer());
        phases(
                "probe_grpc_duration_seconds",
                "Duration of gRPC request by phase",
                Map.of("resolve", phases.resolve(), "check", check));
        for (var status : List.of("NOT_SERVING", "SERVICE_UNKNOWN", "SERVING", "UNKNOWN")) {
            gauge(
                    "probe_grpc_healthcheck_response",
                    "Response HealthCheck response",
                    "serving_status=\"" + status + "\"",
                    flag(facts != null && facts.servingStatus().equals(status)));
        }
        gauge("probe_grpc_ssl", "Indicates if SSL was used for the connection", flag(spec.tls() != null));
        gauge("probe_grpc_status_code", "Response gRPC status code", facts == null ? 14 : facts.statusCode());
        if (spec.tls() == null) {
            gauge("probe_ssl_earliest_cert_expiry", "Returns last SSL chain expiry in unixtime", 0);
        }
        tls(result);
    }

    private static String quoted(String text) {
        return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + "\"";
    }

    private String text() {
        var out = new StringBuilder(2048);
        families.forEach((name, family) -> {
            out.append("# HELP ").append(name).append(' ').append(family.help()).append('\n');
            out.append("# TYPE ").append(name).append(" gauge\n");
            family.samples().forEach((labels, value) -> {
                out.append(name);
                if (!labels.isEmpty()) {
                    out.append('{').append(labels).append('}');
                }
                out.append(' ').append(number(value)).append('\n');
            });
        });
        return out.toString();
    }

    private static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15
                ? Long.toString((long) value)
                : Double.toString(value);
    }
}
