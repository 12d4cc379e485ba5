package dev.coppice.health.migration;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.health.blackbox.GoDuration;
import dev.coppice.health.blackbox.Yaml;
import dev.coppice.probe.AddressFamily;
import dev.coppice.probe.ProbeSpec;
import dev.coppice.probe.TlsOptions;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads a Gatus configuration (https://github.com/TwiN/gatus#configuration). One use each. */
final class GatusImport {
    private static final Map<String, String> ROOT = Map.ofEntries(
            Map.entry("alerting", "make a NotificationPolicy"),
            Map.entry("maintenance", "give each check its maintenance windows"),
            Map.entry("security", "access is governed by RBAC"),
            Map.entry("storage", "results are kept in the data folder"),
            Map.entry("web", "addresses and ports are options of the server"),
            Map.entry("ui", "make a StatusPage"),
            Map.entry("announcements", "give the StatusPage incidents"),
            Map.entry("metrics", "metrics are always served at /metrics"),
            Map.entry("concurrency", "checks run side by side, bounded by the server"),
            Map.entry("disable-monitoring-lock", "checks run side by side"),
            Map.entry("suites", "suites are not imported: a composite check may do"),
            Map.entry("remote", "checks of other instances are not shown"),
            Map.entry("connectivity", "make a check of the connectivity, and let others depend on it"),
            Map.entry("tunneling", "there are no tunnels"),
            Map.entry("debug", "has no counterpart"),
            Map.entry("skip-invalid-config-update", "an invalid resource is refused, others go on"));

    private static final Set<String> ENDPOINT_FIELDS = Set.of(
            "name",
            "group",
            "enabled",
            "url",
            "method",
            "body",
            "headers",
            "interval",
            "conditions",
            "dns",
            "client",
            "alerts",
            "graphql",
            "extra-labels");

    private static final Map<String, String> LOST = Map.of(
            "ui", "make a StatusPage",
            "ssh", "SSH logins are not checked",
            "maintenance-windows", "give the check its maintenance windows",
            "always-run", "has no counterpart",
            "store", "has no counterpart");

    private static final Map<String, String> CLIENT_LOST = Map.of(
            "proxy-url", "probes never go through a proxy",
            "dns-resolver", "names are looked up as the machine does it",
            "oauth2", "fetch the token elsewhere and give it as bearerToken",
            "identity-aware-proxy", "fetch the token elsewhere and give it as bearerToken",
            "tunnel", "there are no tunnels");

    private final Source source;
    private final ManifestSink sink;

    GatusImport(Source source, ManifestSink sink) {
        this.source = source;
        this.sink = sink;
    }

    void run() {
        var tree = Yaml.read(source.name(), source.text());
        for (var field : tree.properties()) {
            if (!Set.of("endpoints", "services", "external-endpoints").contains(field.getKey())) {
                sink.find(place(field.getKey()), ROOT.getOrDefault(field.getKey(), "has no counterpart"));
            }
        }
        for (var list : List.of("endpoints", "services")) {
            for (int i = 0; i < tree.path(list).size(); i++) {
                endpoint(tree.path(list).path(i), place(list + "[" + i + "]"));
            }
        }
        for (int i = 0; i < tree.path("external-endpoints").size(); i++) {
            external(tree.path("external-endpoints").path(i), place("external-endpoints[" + i + "]"));
        }
    }

    private String place(String path) {
        return source.name() + ": " + path;
    }

    private @Nullable Duration duration(JsonNode node, String place) {
        if (node.isMissingNode()) {
            return null;
        }
        try {
            return GoDuration.parse(node.asText());
        } catch (IllegalArgumentException e) {
            sink.find(place, String.valueOf(e.getMessage()));
            return null;
        }
    }

    private void external(JsonNode endpoint, String place) {
        for (var field : endpoint.properties()) {
            switch (field.getKey()) {
                case "name", "group", "enabled" -> {}
                case "heartbeat" -> {}
                case "token" ->
                    sink.find(
                            place + ".token", "callers use /health/heartbeat/NAMESPACE/NAME with a token of the check");
                default -> sink.find(place + "." + field.getKey(), lost(field.getKey()));
            }
        }
        add(
                endpoint,
                place,
                null,
                duration(endpoint.path("heartbeat").path("interval"), place + ".heartbeat.interval"),
                null,
                null);
    }

    private static String lost(String field) {
        return field.equals("alerts") ? "make a NotificationPolicy" : LOST.getOrDefault(field, "has no counterpart");
    }

    private void endpoint(JsonNode endpoint, String place) {
        for (var field : endpoint.properties()) {
            if (!ENDPOINT_FIELDS.contains(field.getKey())) {
                sink.find(place + "." + field.getKey(), lost(field.getKey()));
            }
            if (field.getValue().isTextual() && field.getValue().asText().matches("(?s).*\\$\\{?\\w+.*")) {
                sink.find(place + "." + field.getKey(), "environment variables are not put in: replace them");
            }
        }
        var client = endpoint.path("client");
        for (var field : client.properties()) {
            if (CLIENT_LOST.containsKey(field.getKey())) {
                sink.find(place + ".client." + field.getKey(), CLIENT_LOST.getOrDefault(field.getKey(), ""));
            } else if (!Set.of("insecure", "ignore-redirect", "timeout", "network", "tls")
                    .contains(field.getKey())) {
                sink.find(place + ".client." + field.getKey(), "has no counterpart");
            }
        }
        if (client.has("tls")) {
            sink.find(place + ".client.tls", "the files are not read: put the client certificate into http.tls");
        }
        var conditions = new GatusConditions(sink, place);
        for (int i = 0; i < endpoint.path("conditions").size(); i++) {
            conditions.read(endpoint.path("conditions").path(i).asText(), place + ".conditions[" + i + "]");
        }
        ProbeSpec probe;
        try {
            probe = probe(endpoint, client, conditions, place);
        } catch (IllegalArgumentException e) {
            sink.find(place + ".url", e.getMessage() + "; the endpoint is left out");
            return;
        }
        var timeout = duration(client.path("timeout"), place + ".client.timeout");
        var interval = duration(endpoint.path("interval"), place + ".interval");
        add(
                endpoint,
                place,
                probe,
                // Gatus' own default.
                interval == null ? Duration.ofSeconds(60) : interval,
                timeout,
                probe instanceof ProbeSpec.Http ? conditions.minCertificateDays() : null);
    }

    private void add(
            JsonNode endpoint,
            String place,
            @Nullable ProbeSpec probe,
            @Nullable Duration interval,
            @Nullable Duration timeout,
            @Nullable Integer minCertificateDays) {
        var name = endpoint.path("name").asText("endpoint");
        var group = endpoint.path("group").asText("");
        var labels = new LinkedHashMap<String, String>();
        endpoint.path("extra-labels")
                .properties()
                .forEach(l -> labels.put(l.getKey(), l.getValue().asText()));
        Integer failures = null;
        Integer successes = null;
        var alerts = endpoint.path("alerts");
        if (probe != null && !alerts.isEmpty()) {
            for (var alert : alerts) {
                int failure = alert.path("failure-threshold").asInt(3);
                int success = alert.path("success-threshold").asInt(2);
                failures = failures == null ? failure : Integer.min(failures, failure);
                successes = successes == null ? success : Integer.min(successes, success);
            }
            sink.find(
                    place + ".alerts",
                    "who is told goes into a NotificationPolicy; the lowest thresholds became those of the check");
        }
        sink.add(new Draft(
                group.isEmpty() ? name : group + "-" + name,
                place,
                group.isEmpty() ? null : group,
                labels,
                probe,
                interval,
                timeout,
                minCertificateDays,
                failures,
                successes,
                !endpoint.path("enabled").asBoolean(true)));
    }

    private static AddressFamily family(JsonNode client) {
        return switch (client.path("network").asText("ip")) {
            case "ip4" -> AddressFamily.ONLY_IPV4;
            case "ip6" -> AddressFamily.ONLY_IPV6;
            default -> AddressFamily.PREFER_IPV4;
        };
    }

    private ProbeSpec probe(JsonNode endpoint, JsonNode client, GatusConditions conditions, String place) {
        var url = endpoint.path("url").asText("");
        var tls = client.path("insecure").asBoolean(false) ? TlsOptions.UNVERIFIED : TlsOptions.DEFAULT;
        if (endpoint.path("dns").isObject()) {
            return dns(endpoint, url, conditions, family(client));
        }
        int scheme = url.indexOf("://");
        return switch (scheme < 0 ? "" : url.substring(0, scheme)) {
            case "http", "https" -> http(endpoint, client, url, tls, conditions);
            case "tcp" -> {
                var body = endpoint.path("body").asText("");
                var steps = new ArrayList<ProbeSpec.Tcp.Step>();
                if (!body.isEmpty()) {
                    steps.add(new ProbeSpec.Tcp.Step(null, body, false));
                }
                conditions.bodyPatterns().forEach(p -> steps.add(new ProbeSpec.Tcp.Step(p, null, false)));
                conditions.onlyConnection();
                yield new ProbeSpec.Tcp(host(url, 0).host(), host(url, 0).port(), null, steps, family(client));
            }
            case "tls" -> {
                conditions.onlyConnection();
                var days = conditions.minCertificateDays();
                yield new ProbeSpec.Tls(
                        host(url, 443).host(),
                        host(url, 443).port(),
                        tls,
                        Duration.ofDays(days == null ? 0 : days),
                        family(client));
            }
            case "starttls" -> {
                conditions.onlyConnection();
                if (conditions.minCertificateDays() != null) {
                    sink.find(place + ".conditions", "the certificate's days are not checked after STARTTLS");
                }
                yield new ProbeSpec.Tcp(
                        host(url, 25).host(),
                        host(url, 25).port(),
                        tls,
                        List.of(
                                new ProbeSpec.Tcp.Step("^220", "EHLO coppice", false),
                                new ProbeSpec.Tcp.Step("^250 ", "STARTTLS", false),
                                new ProbeSpec.Tcp.Step("^220", null, true)),
                        family(client));
            }
            case "icmp" -> {
                conditions.onlyConnection();
                yield new ProbeSpec.Icmp(url.substring(7).replaceFirst("[/:].*", ""), 32, 64, family(client));
            }
            case "grpc", "grpcs" -> {
                conditions.onlyConnection();
                yield new ProbeSpec.Grpc(
                        host(url, 443).host(),
                        host(url, 443).port(),
                        "",
                        url.startsWith("grpcs") ? tls : null,
                        Map.of(),
                        family(client));
            }
            default ->
                throw new IllegalArgumentException("\"" + url + "\" cannot be checked: there is no such sort of check");
        };
    }

    private record Address(String host, int port) {}

    private static Address host(String url, int otherwise) {
        try {
            var uri = new URI(url);
            int port = uri.getPort() > 0 ? uri.getPort() : otherwise;
            if (uri.getHost() == null || port == 0) {
                throw new IllegalArgumentException("\"" + url + "\" must name a host and a port");
            }
            return new Address(uri.getHost(), port);
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("\"" + url + "\" is no URL", e);
        }
    }

    private static ProbeSpec http(
            JsonNode endpoint, JsonNode client, String url, TlsOptions tls, GatusConditions conditions) {
        var headers = new LinkedHashMap<String, String>();
        endpoint.path("headers")
                .properties()
                .forEach(h -> headers.put(h.getKey(), h.getValue().asText()));
        var body = endpoint.path("body").asText("");
        if (endpoint.path("graphql").asBoolean(false)) {
            body = "{\"query\":\""
                    + body.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + "\"}";
            headers.putIfAbsent("Content-Type", "application/json");
        }
        return ProbeSpec.Http.builder(url)
                .method(endpoint.path("method").asText("GET"))
                .headers(headers)
                .body(body.isEmpty() ? null : body)
                .maxRedirects(client.path("ignore-redirect").asBoolean(false) ? 0 : 10)
                .statuses(conditions.statuses())
                .assertions(conditions.assertions())
                .maxLatency(conditions.maxLatency())
                .tls(tls)
                .family(family(client))
                .build();
    }

    private static ProbeSpec dns(JsonNode endpoint, String url, GatusConditions conditions, AddressFamily family) {
        var dns = endpoint.path("dns");
        var answers = conditions.exactBodies();
        conditions.onlyDns();
        var code = conditions.responseCode();
        return new ProbeSpec.Dns(
                dns.path("query-name").asText(""),
                dns.path("query-type").asText("A"),
                url.replaceFirst("^\\w+://", ""),
                ProbeSpec.Dns.Transport.UDP,
                true,
                code == null ? List.of() : List.of(code),
                answers,
                false,
                List.of(),
                family);
    }
}
