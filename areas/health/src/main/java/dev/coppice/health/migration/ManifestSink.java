package dev.coppice.health.migration;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.health.blackbox.GoDuration;
import dev.coppice.probe.AddressFamily;
import dev.coppice.probe.Assertion;
import dev.coppice.probe.Authorization;
import dev.coppice.probe.ProbeSpec;
import dev.coppice.probe.StatusRange;
import dev.coppice.probe.TlsOptions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Collects checks and writes them as manifests; credentials go to Secrets of their own. Not safe for many threads. */
final class ManifestSink {
    private static final int NAME_MAX = 63;

    private final String namespace;
    private final List<ObjectNode> manifests = new ArrayList<>();
    private final List<Finding> findings = new ArrayList<>();
    private final Set<String> names = new HashSet<>();

    ManifestSink(String namespace) {
        this.namespace = namespace;
    }

    void find(String place, String message) {
        findings.add(new Finding(place, message));
    }

    Migration done() {
        return new Migration(manifests, findings);
    }

    private static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    void add(Draft draft) {
        var name = name(draft.name());
        var manifest = object();
        manifest.put("apiVersion", "health.coppice.dev/v1").put("kind", "HealthCheck");
        var metadata = manifest.putObject("metadata").put("name", name).put("namespace", namespace);
        if (!draft.labels().isEmpty()) {
            var labels = metadata.putObject("labels");
            draft.labels().forEach((key, value) -> label(labels, key, value, draft.place()));
        }
        var spec = manifest.putObject("spec");
        var secret = object();
        new Targets(draft, spec, name + "-credentials", secret).write();
        put(spec, "interval", draft.interval() == null ? null : GoDuration.format(draft.interval()));
        put(spec, "timeout", draft.timeout() == null ? null : GoDuration.format(draft.timeout()));
        put(spec, "group", draft.group());
        if (draft.failureThreshold() != null) {
            spec.put("failureThreshold", draft.failureThreshold());
        }
        if (draft.successThreshold() != null) {
            spec.put("successThreshold", draft.successThreshold());
        }
        if (draft.paused()) {
            spec.put("paused", true);
        }
        if (!secret.isEmpty()) {
            var resource = object();
            resource.put("apiVersion", "v1").put("kind", "Secret");
            resource.putObject("metadata").put("name", name + "-credentials").put("namespace", namespace);
            resource.set("stringData", secret);
            manifests.add(resource);
        }
        manifests.add(manifest);
    }

    private void label(ObjectNode labels, String key, String value, String place) {
        if (key.matches("[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
                && value.matches("([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")) {
            labels.put(key, value);
        } else {
            find(place + ".labels." + key, "\"" + value + "\" cannot be a label of a resource; it is left out");
        }
    }

    /** An RFC 1123 name that is not taken yet. */
    private String name(String text) {
        var base = text.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("^-+|-+$", "");
        base = base.isEmpty() ? "check" : base;
        // Room for a number and "-credentials".
        base = base.length() > NAME_MAX - 18 ? base.substring(0, NAME_MAX - 18).replaceAll("-+$", "") : base;
        var name = base;
        for (int i = 2; !names.add(name); i++) {
            name = base + "-" + i;
        }
        return name;
    }

    private static void put(ObjectNode to, String field, @Nullable String value) {
        if (value != null) {
            to.put(field, value);
        }
    }

    /** Writes the target of one check. */
    private final class Targets {
        private final Draft draft;
        private final ObjectNode spec;
        private final String secretName;
        private final ObjectNode secret;

        Targets(Draft draft, ObjectNode spec, String secretName, ObjectNode secret) {
            this.draft = draft;
            this.spec = spec;
            this.secretName = secretName;
            this.secret = secret;
        }

        private void lost(String what) {
            find(draft.place(), what);
        }

        void write() {
            switch (draft.probe()) {
                case null -> spec.putObject("heartbeat");
                case ProbeSpec.Http s -> http(s, spec.putObject("http"));
                case ProbeSpec.Tcp s -> tcp(s, spec.putObject("tcp"));
                case ProbeSpec.Tls s -> tls(s, spec.putObject("tls"));
                case ProbeSpec.Dns s -> dns(s, spec.putObject("dns"));
                case ProbeSpec.Grpc s -> grpc(s, spec.putObject("grpc"));
                case ProbeSpec.Icmp s -> icmp(s, spec.putObject("icmp"));
                case ProbeSpec.Postgres s -> lost("PostgreSQL checks are not imported");
                case ProbeSpec.Redis s -> lost("Redis checks are not imported");
                case ProbeSpec.Command s -> lost("commands are not imported");
            }
        }

        private ObjectNode reference(String key, String value) {
            secret.put(key, value);
            var holder = object();
            holder.putObject("secretRef").put("name", secretName).put("key", key);
            return holder;
        }

        private void http(ProbeSpec.Http s, ObjectNode to) {
            to.put("url", s.url());
            if (!s.method().equals("GET")) {
                to.put("method", s.method());
            }
            if (!s.headers().isEmpty()) {
                var headers = to.putArray("headers");
                new TreeMap<>(s.headers()).forEach((name, value) -> headers.add(header(name, value)));
            }
            if (s.body() != null) {
                to.putObject("body").put("value", s.body());
            }
            switch (s.authorization()) {
                case null -> {}
                case Authorization.Basic basic -> {
                    var auth = to.putObject("basicAuth").put("username", basic.username());
                    auth.set("password", reference("password", basic.password()));
                }
                case Authorization.Bearer bearer -> to.set("bearerToken", reference("token", bearer.token()));
            }
            if (s.maxRedirects() == 0) {
                to.put("followRedirects", false);
            }
            if (!s.statuses().equals(StatusRange.SUCCESSFUL)) {
                var statuses = to.putArray("expectedStatus");
                s.statuses().forEach(each -> statuses.add(each.toString()));
            }
            assertions(s, to);
            put(to, "maxLatency", s.maxLatency() == null ? null : GoDuration.format(s.maxLatency()));
            if (draft.minCertificateDays() != null) {
                to.put("minCertificateDays", draft.minCertificateDays());
            }
            options(s.tls(), to);
            family(s.family(), to);
            lostOfHttp(s);
        }

        private ObjectNode header(String name, String value) {
            var header = object().put("name", name);
            var lower = name.toLowerCase(Locale.ROOT);
            boolean secretive = List.of("authorization", "cookie", "token", "key", "secret", "password").stream()
                    .anyMatch(lower::contains);
            if (secretive) {
                header.setAll(reference("header-" + lower.replaceAll("[^a-z0-9-]", "-"), value));
                return header;
            }
            return header.put("value", value);
        }

        private void lostOfHttp(ProbeSpec.Http s) {
            if (!s.httpVersions().isEmpty()) {
                lost("the HTTP versions " + s.httpVersions() + " are not asked for: checks speak HTTP/1.1");
            }
            switch (s.tlsRequirement()) {
                case ANY -> {}
                case REQUIRED -> {
                    if (s.url().startsWith("https:") && s.maxRedirects() == 0) {
                        return;
                    }
                    lost(
                            "that the final answer must come over TLS is not checked: use an https URL, do not follow redirects");
                }
                case FORBIDDEN -> lost("that the final answer must not come over TLS is not checked");
            }
            if (s.decompress()) {
                lost("compressed answers are not asked for");
            }
        }

        private void assertions(ProbeSpec.Http s, ObjectNode to) {
            if (s.assertions().isEmpty()) {
                return;
            }
            var all = to.putArray("assertions");
            for (var each : s.assertions()) {
                var node = object();
                switch (each) {
                    case Assertion.BodyContains a -> node.put(a.negated() ? "notContains" : "contains", a.text());
                    case Assertion.BodyMatches a -> node.put(a.negated() ? "notRegex" : "regex", a.regex());
                    case Assertion.HeaderMatches a -> header(a, node);
                    case Assertion.JsonPathValue a -> jsonPath(a, node);
                    case Assertion.Expression a -> node.put("cel", a.cel());
                }
                all.add(node);
            }
        }

        private void header(Assertion.HeaderMatches a, ObjectNode node) {
            if (!a.negated() && !a.allowMissing()) {
                node.put("header", a.header()).put("matches", a.regex());
                return;
            }
            var name = cel(a.header().toLowerCase(Locale.ROOT));
            var matches = "response.headers[" + name + "].matches(" + cel(a.regex()) + ")";
            var present = name + " in response.headers";
            node.put(
                    "cel",
                    a.allowMissing()
                            ? "!(" + present + ") || " + (a.negated() ? "!" : "") + matches
                            : present + " && !" + matches);
        }

        private static String cel(String text) {
            return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'";
        }

        private void jsonPath(Assertion.JsonPathValue a, ObjectNode node) {
            node.put("jsonPath", a.path());
            switch (a.comparison()) {
                case EQUAL -> node.put("equals", a.expected());
                case MATCHES -> node.put("matches", a.expected());
                case PRESENT -> {}
                case NOT_EQUAL, LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL, ABSENT ->
                    lost("the comparison " + a.comparison() + " of " + a.path() + " is not carried over");
            }
        }

        private void options(TlsOptions tls, ObjectNode to) {
            var node = object();
            if (tls.caPem() != null) {
                node.putObject("ca").put("value", tls.caPem());
            }
            put(node, "serverName", tls.serverName());
            if (tls.skipVerify()) {
                node.put("insecureSkipVerify", true);
            }
            if (tls.certificatePem() != null && tls.keyPem() != null) {
                node.putObject("clientCertificate").put("value", tls.certificatePem());
                node.set("clientKey", reference("client-key", tls.keyPem()));
            }
            if (!node.isEmpty()) {
                to.set("tls", node);
            }
        }

        /** TLS where its presence is what switches it on. */
        private void switchedOn(@Nullable TlsOptions tls, ObjectNode to) {
            if (tls != null) {
                to.putObject("tls");
                options(tls, to);
            }
        }

        private void family(AddressFamily family, ObjectNode to) {
            switch (family) {
                case PREFER_IPV4, PREFER_IPV6 -> {}
                case ONLY_IPV4 -> to.put("ipProtocol", "ip4");
                case ONLY_IPV6 -> to.put("ipProtocol", "ip6");
            }
        }

        private void lostFamily(AddressFamily family) {
            if (family == AddressFamily.ONLY_IPV4 || family == AddressFamily.ONLY_IPV6) {
                lost("the IP protocol cannot be chosen for such a check");
            }
        }

        private void tcp(ProbeSpec.Tcp s, ObjectNode to) {
            to.put("host", s.host()).put("port", s.port());
            if (!s.steps().isEmpty()) {
                var steps = to.putArray("steps");
                for (var step : s.steps()) {
                    var node = steps.addObject();
                    put(node, "expect", step.expect());
                    put(node, "send", step.send());
                    if (step.startTls()) {
                        node.put("startTls", true);
                    }
                }
            }
            switchedOn(s.tls(), to);
            lostFamily(s.family());
        }

        private void tls(ProbeSpec.Tls s, ObjectNode to) {
            to.put("host", s.host()).put("port", s.port());
            to.put("minDays", s.minimumValidity().toDays());
            options(s.tls(), to);
            lostFamily(s.family());
        }

        private void dns(ProbeSpec.Dns s, ObjectNode to) {
            to.put("name", s.name()).put("recordType", s.recordType().toUpperCase(Locale.ROOT));
            var server = s.server();
            if (server != null) {
                int colon = server.lastIndexOf(':');
                boolean hasPort = colon > server.lastIndexOf(']') && server.indexOf(':') == colon;
                to.put("server", hasPort ? server.substring(0, colon) : server);
                if (hasPort && server.substring(colon + 1).matches("\\d{1,5}")) {
                    to.put("port", Integer.parseInt(server.substring(colon + 1)));
                }
            }
            if (!s.expectedAnswers().isEmpty()) {
                var answers = to.putArray("expectedAnswers");
                s.expectedAnswers().forEach(answers::add);
            }
            if (s.transport() == ProbeSpec.Dns.Transport.TCP) {
                to.put("transport", "tcp");
            }
            if (!s.responseCodes().equals(List.of("NOERROR"))) {
                to.put("expectedCode", s.responseCodes().getFirst());
                if (s.responseCodes().size() > 1) {
                    lost("of the response codes " + s.responseCodes() + " only the first is expected");
                }
            }
            if (!s.recursionDesired()) {
                lost("recursion is always asked for");
            }
            s.sectionRules().stream()
                    .filter(rule -> !rule.regex().equals("^$"))
                    .forEach(rule -> lost("the rule " + rule.condition() + " \"" + rule.regex() + "\" over the "
                            + rule.section() + " section is not carried over: give expectedAnswers"));
            lostFamily(s.family());
        }

        private void grpc(ProbeSpec.Grpc s, ObjectNode to) {
            to.put("host", s.host()).put("port", s.port());
            put(to, "service", s.service().isEmpty() ? null : s.service());
            switchedOn(s.tls(), to);
            if (!s.metadata().isEmpty()) {
                lost("gRPC metadata is not sent");
            }
            lostFamily(s.family());
        }

        private void icmp(ProbeSpec.Icmp s, ObjectNode to) {
            to.put("host", s.host());
            family(s.family(), to);
            if (s.ttl() != 64) {
                lost("the hop limit " + s.ttl() + " is not set");
            }
            if (s.payloadBytes() != 28 && s.payloadBytes() != 32) {
                lost("the payload has 32 bytes, not " + s.payloadBytes());
            }
        }
    }
}
