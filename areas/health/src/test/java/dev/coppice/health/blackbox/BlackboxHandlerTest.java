package dev.coppice.health.blackbox;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.FreePorts;
import dev.coppice.kernel.Kernel;
import dev.coppice.probe.Prober;
import dev.coppice.probe.ProberOptions;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BlackboxHandlerTest {
    private static final String MODULES = """
            modules:
              http_2xx: {prober: http, http: {preferred_ip_protocol: ip4}}
              http_up: {prober: http, http: {preferred_ip_protocol: ip4, fail_if_body_not_matches_regexp: ["UP"]}}
              http_not_up: {prober: http, http: {preferred_ip_protocol: ip4, fail_if_body_matches_regexp: ["UP"]}}
              http_server: {prober: http, http: {preferred_ip_protocol: ip4, fail_if_header_not_matches: [{header: Server, regexp: apache}]}}
              http_404: {prober: http, http: {preferred_ip_protocol: ip4, valid_status_codes: [404]}}
              http_ssl: {prober: http, http: {preferred_ip_protocol: ip4, fail_if_not_ssl: true}}
              http_stay: {prober: http, http: {preferred_ip_protocol: ip4, follow_redirects: false, valid_status_codes: [302]}}
              http_small: {prober: http, http: {preferred_ip_protocol: ip4, body_size_limit: 1KB}}
              http_gzip: {prober: http, http: {preferred_ip_protocol: ip4, compression: gzip, headers: {Accept-Encoding: gzip}}}
              tcp_connect: {prober: tcp, tcp: {preferred_ip_protocol: ip4}}
              tcp_talk: {prober: tcp, tcp: {preferred_ip_protocol: ip4, query_response: [{send: "GET / HTTP/1.0\\r\\n\\r"}, {expect: "^HTTP/1.1 200"}]}}
              dns: {prober: dns, timeout: 1s, dns: {query_name: example.org, query_type: A, preferred_ip_protocol: ip4}}
              grpc: {prober: grpc, timeout: 2s, grpc: {preferred_ip_protocol: ip4}}
            """;

    private final Kernel kernel = Kernel.start();
    private final Prober prober = new Prober(kernel, ProberOptions.DEFAULT);
    private final BlackboxHandler handler = new BlackboxHandler(
            prober, () -> BlackboxConfig.parse("test", MODULES, null).withFallback(BlackboxConfig.builtIn()));
    private Process nginx;
    private Process peer;
    private int web;
    private int exporter;

    @TempDir
    Path folder;

    @BeforeEach
    void startServers() throws Exception {
        Assumptions.assumeTrue(Files.isExecutable(Path.of("/usr/sbin/nginx")), "nginx is not installed");
        web = FreePorts.next();
        Files.createDirectories(folder.resolve("html"));
        Files.writeString(folder.resolve("html/index.html"), "{\"status\":\"UP\"}");
        Files.writeString(folder.resolve("html/big.html"), "x".repeat(5000));
        Files.writeString(folder.resolve("nginx.conf"), """
                worker_processes 1; daemon off; pid %1$s/nginx.pid; error_log stderr crit; events {}
                http { access_log off; client_body_temp_path %1$s/b; proxy_temp_path %1$s/p; fastcgi_temp_path %1$s/f;
                  uwsgi_temp_path %1$s/u; scgi_temp_path %1$s/s; gzip on; gzip_min_length 1; gzip_types *;
                  server { listen 127.0.0.1:%2$d; root %1$s/html; location /r { return 302 /; } } }
                """.formatted(folder, web));
        folder.toFile().setExecutable(true, false);
        folder.toFile().setReadable(true, false);
        nginx = new ProcessBuilder(
                        "/usr/sbin/nginx", "-c", folder.resolve("nginx.conf").toString(), "-p", folder.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("nginx.log").toFile())
                .start();
        await(web);
    }

    @AfterEach
    void stop() {
        kernel.close();
        for (var process : new Process[] {nginx, peer}) {
            if (process != null) {
                process.destroy();
            }
        }
    }

    private void await(int port) throws Exception {
        for (int i = 0; i < 200; i++) {
            try (var socket = new java.net.Socket("127.0.0.1", port)) {
                return;
            } catch (IOException e) {
                kernel.timers().sleep(Duration.ofMillis(25));
            }
        }
        throw new IOException("nothing listens at " + port);
    }

    private String ask(String module, String target) throws Exception {
        return ask(Map.of("module", module, "target", target)).text();
    }

    private RecordedExchange ask(Map<String, String> query) throws Exception {
        var exchange = new RecordedExchange(query);
        handler.handle(exchange);
        return exchange;
    }

    @Test
    void refusesAsThePeerDoes() throws Exception {
        assertThat(ask(Map.of("module", "nope", "target", "x")).text()).isEqualTo("Unknown module \"nope\"\n");
        assertThat(ask(Map.of("module", "nope", "target", "x")).status()).isEqualTo(400);
        assertThat(ask(Map.of("module", "http_2xx")).text()).isEqualTo("Target parameter is missing\n");
    }

    @Test
    void tellsWhatHappenedWhenDebugging() throws Exception {
        var answer = ask(Map.of("target", "http://127.0.0.1:" + web + "/none", "debug", "true"));
        assertThat(answer.text())
                .contains("Probe failed: status 404, expected 200-299", "probe_http_status_code 404", "prober: http");
    }

    @Test
    void keepsWithinPrometheusTimeout() {
        var slow = new BlackboxModule("m", "http", null, Yaml.read("x", "{}"), List.of());
        var quick = new BlackboxModule("m", "http", Duration.ofSeconds(2), Yaml.read("x", "{}"), List.of());
        assertThat(BlackboxHandler.timeout("10", slow)).isEqualTo(Duration.ofMillis(9500));
        assertThat(BlackboxHandler.timeout("10", quick)).isEqualTo(Duration.ofSeconds(2));
        assertThat(BlackboxHandler.timeout("0.3", slow)).isEqualTo(Duration.ofMillis(300));
        assertThat(BlackboxHandler.timeout("", slow)).isEqualTo(Duration.ofMillis(119_500));
    }

    /** Every name, label and value that does not depend on time must be the same. */
    @Test
    void answersAsBlackboxExporterDoes() throws Exception {
        var program = Path.of("/usr/bin/prometheus-blackbox-exporter");
        Assumptions.assumeTrue(Files.isExecutable(program), "prometheus-blackbox-exporter is not installed");
        exporter = FreePorts.next();
        Files.writeString(folder.resolve("blackbox.yml"), MODULES);
        peer = new ProcessBuilder(
                        program.toString(),
                        "--config.file=" + folder.resolve("blackbox.yml"),
                        "--log.level=error",
                        "--web.listen-address=127.0.0.1:" + exporter)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("peer.log").toFile())
                .start();
        await(exporter);
        var site = "http://127.0.0.1:" + web;
        var different = new TreeMap<String, String>();
        for (var query : List.of(
                List.of("http_2xx", site + "/"),
                List.of("http_2xx", "127.0.0.1:" + web),
                List.of("http_2xx", site + "/r"),
                List.of("http_2xx", site + "/none"),
                List.of("http_2xx", "http://127.0.0.1:1/"),
                List.of("http_up", site + "/"),
                List.of("http_not_up", site + "/"),
                List.of("http_server", site + "/"),
                List.of("http_404", site + "/none"),
                List.of("http_ssl", site + "/"),
                List.of("http_stay", site + "/r"),
                List.of("http_small", site + "/big.html"),
                List.of("http_gzip", site + "/"),
                List.of("tcp_connect", "127.0.0.1:" + web),
                List.of("tcp_connect", "127.0.0.1:1"),
                List.of("tcp_talk", "127.0.0.1:" + web),
                List.of("dns", "127.0.0.1:1"),
                List.of("grpc", "127.0.0.1:1"))) {
            var theirs = timeless(peer(query.get(0), query.get(1)));
            var ours = timeless(ask(query.get(0), query.get(1)));
            if (!ours.equals(theirs)) {
                var all = new TreeMap<String, String>();
                theirs.forEach((name, value) -> {
                    if (!value.equals(ours.get(name))) {
                        all.put(name, "theirs " + value + ", ours " + ours.get(name));
                    }
                });
                ours.keySet().stream().filter(n -> !theirs.containsKey(n)).forEach(n -> all.put(n, "only ours"));
                different.put(query.toString(), all.toString());
            }
        }
        assertThat(different).isEmpty();
    }

    private String peer(String module, String target) throws Exception {
        try (var client = HttpClient.newHttpClient()) {
            var uri = URI.create("http://127.0.0.1:" + exporter + "/probe?module=" + module + "&target=" + target);
            return client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString())
                    .body();
        }
    }

    private static final Pattern TIMED = Pattern.compile(".*(_seconds(\\{|$)|_bytes).*");

    private static Map<String, String> timeless(String text) {
        var all = new TreeMap<String, String>();
        for (var line : text.lines().toList()) {
            int space = line.lastIndexOf(' ');
            if (line.startsWith("#")) {
                all.put(line, "");
            } else if (space > 0) {
                var name = line.substring(0, space);
                boolean timed = TIMED.matcher(name).matches() && !name.contains("timestamp");
                all.put(name, timed ? "time" : Double.toString(Double.parseDouble(line.substring(space + 1))));
            }
        }
        return all;
    }
}
