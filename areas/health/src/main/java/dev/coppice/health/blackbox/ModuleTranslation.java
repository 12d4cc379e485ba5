package dev.coppice.health.blackbox;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.probe.AddressFamily;
import dev.coppice.probe.Assertion;
import dev.coppice.probe.Authorization;
import dev.coppice.probe.ProbeSpec;
import dev.coppice.probe.StatusRange;
import dev.coppice.probe.TlsOptions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Turns a module and a target into a specification for the prober. One use each. */
final class ModuleTranslation {
    private static final int BODY_LIMIT_DEFAULT = 10 << 20;
    private static final int BODY_LIMIT_MAX = 64 << 20;

    private final BlackboxModule module;
    private final JsonNode options;
    private final String target;
    private final @Nullable String hostname;

    ModuleTranslation(BlackboxModule module, String target, @Nullable String hostname) {
        this.module = module;
        this.options = module.options();
        this.target = target.strip();
        this.hostname = hostname;
    }

    ProbeSpec spec() {
        return switch (module.prober()) {
            case "http" -> http();
            case "tcp" -> tcp();
            case "dns" -> dns();
            case "icmp" ->
                new ProbeSpec.Icmp(
                        target,
                        options.path("payload_size").asInt(28),
                        options.path("ttl").asInt(64),
                        family());
            case "grpc" -> grpc();
            default -> throw new IllegalArgumentException("there is no prober \"" + module.prober() + "\"");
        };
    }

    private AddressFamily family() {
        boolean four = options.path("preferred_ip_protocol").asText("ip6").equals("ip4");
        boolean fallback = options.path("ip_protocol_fallback").asBoolean(true);
        return fallback
                ? four ? AddressFamily.PREFER_IPV4 : AddressFamily.PREFER_IPV6
                : four ? AddressFamily.ONLY_IPV4 : AddressFamily.ONLY_IPV6;
    }

    private static @Nullable String text(JsonNode node) {
        return node.isMissingNode() || node.isNull() ? null : node.asText();
    }

    private List<String> texts(String field) {
        var found = new ArrayList<String>();
        options.path(field).forEach(each -> found.add(each.asText()));
        return found;
    }

    private TlsOptions tls(@Nullable String serverName) {
        var config = options.path("tls_config");
        var named = text(config.path("server_name"));
        var version = config.path("min_version").asText("TLS12");
        return new TlsOptions(
                text(config.path("ca")),
                named == null ? serverName : named,
                config.path("insecure_skip_verify").asBoolean(false),
                text(config.path("cert")),
                text(config.path("key")),
                version.equals("TLS13") ? "TLSv1.3" : "TLSv1.2");
    }

    private ProbeSpec http() {
        var url = target.startsWith("http://") || target.startsWith("https://") ? target : "http://" + target;
        var headers = new LinkedHashMap<String, String>();
        options.path("headers")
                .properties()
                .forEach(h -> headers.put(h.getKey(), h.getValue().asText()));
        if (hostname != null) {
            headers.keySet().removeIf(h -> h.equalsIgnoreCase("host"));
            headers.put("Host", hostname);
        }
        boolean follow = options.path("follow_redirects").asBoolean(true)
                && !options.path("no_follow_redirects").asBoolean(false);
        var compression = options.path("compression").asText("");
        return ProbeSpec.Http.builder(url)
                .method(options.path("method").asText("GET"))
                .headers(headers)
                .body(text(options.path("body")))
                .authorization(authorization())
                .maxRedirects(follow ? 10 : 0)
                .statuses(texts("valid_status_codes").stream()
                        .map(StatusRange::parse)
                        .toList())
                .httpVersions(texts("valid_http_versions"))
                .assertions(assertions())
                .tls(tls(hostname))
                .tlsRequirement(requirement())
                .family(family())
                .version(
                        options.path("enable_http2").asBoolean(true)
                                ? ProbeSpec.HttpVersion.NEGOTIATED
                                : ProbeSpec.HttpVersion.HTTP_1_1)
                .bodyLimitBytes(bodyLimit())
                .decompress(compression.equals("gzip"))
                .build();
    }

    private ProbeSpec.TlsRequirement requirement() {
        if (options.path("fail_if_ssl").asBoolean(false)) {
            return ProbeSpec.TlsRequirement.FORBIDDEN;
        }
        return options.path("fail_if_not_ssl").asBoolean(false)
                ? ProbeSpec.TlsRequirement.REQUIRED
                : ProbeSpec.TlsRequirement.ANY;
    }

    private @Nullable Authorization authorization() {
        var basic = options.path("basic_auth");
        if (basic.isObject()) {
            return new Authorization.Basic(
                    basic.path("username").asText(), basic.path("password").asText());
        }
        var token = text(options.path("bearer_token"));
        var authorization = options.path("authorization");
        if (token == null && authorization.isObject()) {
            var type = authorization.path("type").asText("Bearer");
            if (!type.equalsIgnoreCase("Bearer")) {
                throw new IllegalArgumentException("authorization of type \"" + type + "\" is not supported");
            }
            token = text(authorization.path("credentials"));
        }
        return token == null ? null : new Authorization.Bearer(token);
    }

    private List<Assertion> assertions() {
        var all = new ArrayList<Assertion>();
        texts("fail_if_body_matches_regexp").forEach(r -> all.add(new Assertion.BodyMatches(r, true)));
        texts("fail_if_body_not_matches_regexp").forEach(r -> all.add(new Assertion.BodyMatches(r, false)));
        for (var each : options.path("fail_if_header_matches")) {
            all.add(header(each, true));
        }
        for (var each : options.path("fail_if_header_not_matches")) {
            all.add(header(each, false));
        }
        var fails = text(options.path("fail_if_body_json_matches_cel"));
        if (fails != null) {
            all.add(new Assertion.Expression("!(" + cel(fails) + ")"));
        }
        var holds = text(options.path("fail_if_body_json_not_matches_cel"));
        if (holds != null) {
            all.add(new Assertion.Expression(cel(holds)));
        }
        return all;
    }

    /** blackbox_exporter's variable is {@code body}, the parsed body. */
    private static String cel(String expression) {
        return expression.replaceAll("(?<![\\w.'\"])body(?![\\w'\"])", "response.json");
    }

    private static Assertion header(JsonNode each, boolean negated) {
        return new Assertion.HeaderMatches(
                each.path("header").asText(),
                each.path("regexp").asText(),
                negated,
                each.path("allow_missing").asBoolean(false));
    }

    private int bodyLimit() {
        var text = options.path("body_size_limit").asText("0").strip().toUpperCase(Locale.ROOT);
        long factor = 1;
        for (var unit : List.of(
                Map.entry("KIB", 1L << 10),
                Map.entry("MIB", 1L << 20),
                Map.entry("GIB", 1L << 30),
                Map.entry("KB", 1L << 10),
                Map.entry("MB", 1L << 20),
                Map.entry("GB", 1L << 30),
                Map.entry("B", 1L))) {
            if (text.endsWith(unit.getKey())) {
                factor = unit.getValue();
                text = text.substring(0, text.length() - unit.getKey().length()).strip();
                break;
            }
        }
        try {
            long limit = Long.parseLong(text) * factor;
            return limit == 0 ? BODY_LIMIT_DEFAULT : (int) Math.clamp(limit, 1, BODY_LIMIT_MAX);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("body_size_limit: expected a size such as \"10MB\"", e);
        }
    }

    private record Address(String host, int port) {}

    private Address address() {
        int colon = target.lastIndexOf(':');
        if (colon <= target.lastIndexOf(']')) {
            throw new IllegalArgumentException("the target must be HOST:PORT, not \"" + target + "\"");
        }
        try {
            return new Address(target.substring(0, colon), Integer.parseInt(target.substring(colon + 1)));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("the target must be HOST:PORT, not \"" + target + "\"", e);
        }
    }

    private ProbeSpec tcp() {
        var address = address();
        var steps = new ArrayList<ProbeSpec.Tcp.Step>();
        for (var each : options.path("query_response")) {
            steps.add(new ProbeSpec.Tcp.Step(
                    text(each.path("expect")),
                    text(each.path("send")),
                    each.path("starttls").asBoolean(false)));
        }
        boolean upgrades = steps.stream().anyMatch(ProbeSpec.Tcp.Step::startTls);
        boolean tls = options.path("tls").asBoolean(false);
        return new ProbeSpec.Tcp(
                address.host(), address.port(), tls || upgrades ? tls(hostname) : null, steps, family());
    }

    private ProbeSpec grpc() {
        var address = address();
        var metadata = new LinkedHashMap<String, String>();
        for (var each : options.path("metadata").properties()) {
            metadata.put(
                    each.getKey(),
                    each.getValue().isArray()
                            ? each.getValue().path(0).asText()
                            : each.getValue().asText());
        }
        return new ProbeSpec.Grpc(
                address.host(),
                address.port(),
                options.path("service").asText(""),
                options.path("tls").asBoolean(false) ? tls(hostname) : null,
                metadata,
                family());
    }

    private ProbeSpec dns() {
        var name = options.path("query_name").asText("");
        if (name.isEmpty()) {
            throw new IllegalArgumentException("a dns module needs query_name");
        }
        var rules = new ArrayList<ProbeSpec.Dns.SectionRule>();
        rules("validate_answer_rrs", ProbeSpec.Dns.Section.ANSWER, rules);
        rules("validate_authority_rrs", ProbeSpec.Dns.Section.AUTHORITY, rules);
        rules("validate_additional_rrs", ProbeSpec.Dns.Section.ADDITIONAL, rules);
        if (rules.isEmpty()) {
            // A name without records is no failure there, as long as the response code is right.
            rules.add(new ProbeSpec.Dns.SectionRule(
                    ProbeSpec.Dns.Section.ANSWER, ProbeSpec.Dns.Condition.FAIL_IF_ANY_MATCHES, "^$"));
        }
        return new ProbeSpec.Dns(
                name,
                options.path("query_type").asText("ANY"),
                target,
                options.path("transport_protocol").asText("udp").equals("tcp")
                        ? ProbeSpec.Dns.Transport.TCP
                        : ProbeSpec.Dns.Transport.UDP,
                options.path("recursion_desired").asBoolean(true),
                texts("valid_rcodes"),
                List.of(),
                false,
                rules,
                family());
    }

    private void rules(String field, ProbeSpec.Dns.Section section, List<ProbeSpec.Dns.SectionRule> rules) {
        var conditions = Map.of(
                "fail_if_matches_regexp", ProbeSpec.Dns.Condition.FAIL_IF_ANY_MATCHES,
                "fail_if_all_match_regexp", ProbeSpec.Dns.Condition.FAIL_IF_ALL_MATCH,
                "fail_if_not_matches_regexp", ProbeSpec.Dns.Condition.FAIL_IF_ANY_DOES_NOT_MATCH,
                "fail_if_none_matches_regexp", ProbeSpec.Dns.Condition.FAIL_IF_NONE_MATCHES);
        conditions.forEach((name, condition) -> {
            for (var each : options.path(field).path(name)) {
                rules.add(new ProbeSpec.Dns.SectionRule(section, condition, each.asText()));
            }
        });
    }
}
