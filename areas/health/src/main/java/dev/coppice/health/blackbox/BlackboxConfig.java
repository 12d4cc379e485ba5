package dev.coppice.health.blackbox;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.coppice.health.blackbox.BlackboxModule.Note;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A blackbox_exporter configuration file (https://github.com/prometheus/blackbox_exporter/blob/master/CONFIGURATION.md), as
 * of version 0.25. Immutable.
 */
public final class BlackboxConfig {
    private static final int FILE_BYTES_MAX = 1 << 20;

    private static final Map<String, Set<String>> FIELDS = Map.of(
            "http",
            Set.of(
                    "valid_status_codes",
                    "valid_http_versions",
                    "method",
                    "headers",
                    "compression",
                    "body_size_limit",
                    "follow_redirects",
                    "no_follow_redirects",
                    "fail_if_ssl",
                    "fail_if_not_ssl",
                    "fail_if_body_matches_regexp",
                    "fail_if_body_not_matches_regexp",
                    "fail_if_header_matches",
                    "fail_if_header_not_matches",
                    "fail_if_body_json_matches_cel",
                    "fail_if_body_json_not_matches_cel",
                    "body",
                    "body_file",
                    "basic_auth",
                    "bearer_token",
                    "bearer_token_file",
                    "authorization",
                    "oauth2",
                    "tls_config",
                    "proxy_url",
                    "no_proxy",
                    "proxy_from_environment",
                    "proxy_connect_header",
                    "skip_resolve_phase_with_proxy",
                    "enable_http2",
                    "enable_http3",
                    "preferred_ip_protocol",
                    "ip_protocol_fallback",
                    "http_headers"),
            "tcp",
            Set.of(
                    "preferred_ip_protocol",
                    "ip_protocol_fallback",
                    "source_ip_address",
                    "query_response",
                    "tls",
                    "tls_config"),
            "dns",
            Set.of(
                    "preferred_ip_protocol",
                    "ip_protocol_fallback",
                    "source_ip_address",
                    "transport_protocol",
                    "dns_over_tls",
                    "tls_config",
                    "query_name",
                    "query_type",
                    "query_class",
                    "recursion_desired",
                    "valid_rcodes",
                    "validate_answer_rrs",
                    "validate_authority_rrs",
                    "validate_additional_rrs"),
            "icmp",
            Set.of(
                    "preferred_ip_protocol",
                    "ip_protocol_fallback",
                    "source_ip_address",
                    "dont_fragment",
                    "payload_size",
                    "ttl"),
            "grpc",
            Set.of("service", "preferred_ip_protocol", "ip_protocol_fallback", "tls", "tls_config", "metadata"));

    private static final Map<String, String> UNSUPPORTED = Map.ofEntries(
            Map.entry("proxy_url", "probes never go through a proxy"),
            Map.entry("proxy_from_environment", "probes never go through a proxy"),
            Map.entry("proxy_connect_header", "probes never go through a proxy"),
            Map.entry("oauth2", "fetch the token elsewhere and give it as a bearer token"),
            Map.entry("enable_http3", "HTTP/3 is not spoken"),
            Map.entry("http_headers", "give the headers as headers"),
            Map.entry("source_ip_address", "the operating system chooses the source address"),
            Map.entry("dns_over_tls", "DNS over TLS is not spoken"),
            Map.entry("query_class", "only the class IN is asked for"),
            Map.entry("dont_fragment", "the flag cannot be set"));

    /** What a probe without any configuration can use, as blackbox_exporter's example has it. */
    private static final String BUILT_IN = """
            modules:
              http_2xx: {prober: http}
              http_post_2xx: {prober: http, http: {method: POST}}
              tcp_connect: {prober: tcp}
              pop3s_banner:
                prober: tcp
                tcp: {query_response: [{expect: "^+OK"}], tls: true, tls_config: {insecure_skip_verify: false}}
              ssh_banner: {prober: tcp, tcp: {query_response: [{expect: "^SSH-2.0-"}, {send: "SSH-2.0-blackbox-ssh-check"}]}}
              irc_banner:
                prober: tcp
                tcp:
                  query_response:
                    - {send: "NICK prober"}
                    - {send: "USER prober prober prober :prober"}
                    - {expect: "PING :([^ ]+)", send: "PONG ${1}"}
                    - {expect: "^:[^ ]+ 001"}
              icmp: {prober: icmp}
              icmp_ttl5: {prober: icmp, timeout: 5s, icmp: {ttl: 5}}
              grpc: {prober: grpc, grpc: {tls: true, preferred_ip_protocol: ip4}}
              grpc_plain: {prober: grpc, grpc: {tls: false}}
              dns: {prober: dns, dns: {query_name: localhost, query_type: A}}
            """.replace("\"^+OK\"", "\"^\\\\+OK\"");

    private final Map<String, BlackboxModule> modules;
    private final List<Note> errors;

    private BlackboxConfig(Map<String, BlackboxModule> modules, List<Note> errors) {
        this.modules = modules;
        this.errors = List.copyOf(errors);
    }

    /** http_2xx, tcp_connect, icmp, dns and the other examples that everybody starts with. */
    public static BlackboxConfig builtIn() {
        return parse("built-in", BUILT_IN, null);
    }

    /** The built-in modules, replaced and added to by these. */
    public BlackboxConfig withFallback(BlackboxConfig fallback) {
        var all = new LinkedHashMap<>(fallback.modules);
        all.putAll(modules);
        return new BlackboxConfig(all, errors);
    }

    /**
     * Reads a configuration. What is wrong with single modules is in {@link #errors}; the others can be used.
     *
     * @param folder where {@code …_file} fields are looked up; null leaves them unread
     * @throws IllegalArgumentException when it is no YAML
     */
    public static BlackboxConfig parse(String name, String text, @Nullable Path folder) {
        var tree = Yaml.read(name, text);
        var errors = new ArrayList<Note>();
        tree.fieldNames().forEachRemaining(field -> {
            if (!field.equals("modules")) {
                errors.add(new Note(field, "is no field of a blackbox_exporter configuration"));
            }
        });
        var modules = new LinkedHashMap<String, BlackboxModule>();
        for (var each : tree.path("modules").properties()) {
            var module = module(each.getKey(), each.getValue(), folder, errors);
            if (module != null) {
                modules.put(each.getKey(), module);
            }
        }
        return new BlackboxConfig(modules, errors);
    }

    private static @Nullable BlackboxModule module(
            String name, JsonNode tree, @Nullable Path folder, List<Note> errors) {
        var path = "modules." + name;
        var prober = tree.path("prober").asText();
        var known = FIELDS.get(prober);
        if (known == null) {
            errors.add(new Note(
                    path + ".prober",
                    "expected one of " + new TreeSet<>(FIELDS.keySet()) + ", not \"" + prober + "\""));
            return null;
        }
        Duration timeout = null;
        if (tree.has("timeout")) {
            try {
                timeout = GoDuration.parse(tree.path("timeout").asText());
            } catch (IllegalArgumentException e) {
                errors.add(new Note(path + ".timeout", String.valueOf(e.getMessage())));
            }
        }
        for (var field : tree.properties()) {
            if (!Set.of("prober", "timeout").contains(field.getKey()) && !FIELDS.containsKey(field.getKey())) {
                errors.add(new Note(path + "." + field.getKey(), "is no field of a module"));
            }
        }
        var notes = new ArrayList<Note>();
        var options = tree.path(prober).deepCopy();
        for (var field : tree.path(prober).properties()) {
            var where = path + "." + prober + "." + field.getKey();
            if (!known.contains(field.getKey())) {
                errors.add(new Note(where, "is no field of the " + prober + " prober"));
            } else if (UNSUPPORTED.containsKey(field.getKey()) && meant(field.getKey(), field.getValue())) {
                notes.add(new Note(where, UNSUPPORTED.getOrDefault(field.getKey(), "")));
            }
        }
        if (folder != null && options instanceof ObjectNode object) {
            readFiles(object, folder, path + "." + prober, errors);
        }
        return new BlackboxModule(name, prober, timeout, options, notes);
    }

    /** A field that says what is the case anyway needs no remark. */
    private static boolean meant(String field, JsonNode value) {
        return switch (field) {
            case "query_class" -> !value.asText().equalsIgnoreCase("IN");
            default -> !value.isBoolean() || value.booleanValue();
        };
    }

    /** Replaces {@code x_file: PATH} by {@code x} with the file's content. */
    private static void readFiles(ObjectNode object, Path folder, String path, List<Note> errors) {
        for (var field : new ArrayList<>(object.properties())) {
            if (field.getValue() instanceof ObjectNode nested) {
                readFiles(nested, folder, path + "." + field.getKey(), errors);
            } else if (field.getKey().endsWith("_file") && field.getValue().isTextual()) {
                var file = folder.resolve(field.getValue().asText());
                try {
                    if (Files.size(file) > FILE_BYTES_MAX) {
                        throw new IOException("it is larger than 1 MiB");
                    }
                    var text = Files.readString(file);
                    var secret = field.getKey().startsWith("pass")
                            || field.getKey().contains("token")
                            || field.getKey().contains("credentials");
                    object.set(
                            field.getKey().substring(0, field.getKey().length() - 5),
                            TextNode.valueOf(secret ? text.strip() : text));
                } catch (IOException e) {
                    errors.add(new Note(path + "." + field.getKey(), "cannot be read: " + e.getMessage()));
                }
            }
        }
    }

    public Optional<BlackboxModule> module(String name) {
        return Optional.ofNullable(modules.get(name));
    }

    public Map<String, BlackboxModule> modules() {
        return Map.copyOf(modules);
    }

    /** What is wrong with it; such modules and fields are left out. */
    public List<Note> errors() {
        return errors;
    }
}
