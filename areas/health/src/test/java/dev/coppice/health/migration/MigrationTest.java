package dev.coppice.health.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.health.blackbox.Yaml;
import dev.coppice.health.kind.HealthCheckSpec;
import dev.coppice.schema.RecordMapper;
import dev.coppice.schema.RecordSchema;
import dev.coppice.schema.Schema;
import java.util.List;
import org.junit.jupiter.api.Test;

class MigrationTest {
    private static final String GATUS = """
            alerting:
              slack: {webhook-url: "https://hooks.example/x"}
            endpoints:
              - name: Front End
                group: core
                url: "https://example.org/health"
                interval: 5m
                method: POST
                headers: {Accept: application/json, X-Api-Key: secret1}
                body: '{"a":1}'
                client: {timeout: 3s, insecure: true, ignore-redirect: true, proxy-url: "http://p:1"}
                conditions:
                  - "[STATUS] == any(200, 204)"
                  - "[RESPONSE_TIME] < 300"
                  - "[CERTIFICATE_EXPIRATION] > 48h"
                  - "[BODY].status == UP"
                  - "[BODY].user.name != john"
                  - "len([BODY].items) > 2"
                  - "has([BODY].errors) == false"
                  - "[BODY].n >= 5"
                  - "[BODY] == pat(*healthy*)"
                  - "[DOMAIN_EXPIRATION] > 720h"
                alerts:
                  - {type: slack, failure-threshold: 5, success-threshold: 3}
                ui: {hide-url: true}
              - name: any-status
                url: "http://example.org/"
                conditions: ["[CONNECTED] == true", "[STATUS] < 500", "[STATUS] != 404"]
                enabled: false
              - {name: db, url: "tcp://db.example:5432", conditions: ["[CONNECTED] == true"]}
              - {name: ping, url: "icmp://example.org", conditions: ["[CONNECTED] == true"]}
              - {name: mail, url: "starttls://smtp.example:587", conditions: ["[CONNECTED] == true"]}
              - {name: cert, url: "tls://example.org:8443", conditions: ["[CERTIFICATE_EXPIRATION] > 240h"]}
              - name: dns
                url: "8.8.8.8"
                dns: {query-name: example.org, query-type: A}
                conditions: ["[BODY] == 93.184.215.14", "[DNS_RCODE] == NOERROR"]
              - {name: odd, url: "sctp://x:1", conditions: []}
            external-endpoints:
              - {name: nightly, group: batch, token: t, heartbeat: {interval: 24h}}
            """;

    private static JsonNode spec(Migration migration, String name) {
        return migration.manifests().stream()
                .filter(m -> m.path("metadata").path("name").asText().equals(name)
                        && m.path("kind").asText().equals("HealthCheck"))
                .findFirst()
                .orElseThrow()
                .path("spec");
    }

    private static void fitsTheKind(Migration migration) {
        var schema = Schema.of(RecordSchema.of(HealthCheckSpec.class));
        for (var manifest : migration.manifests()) {
            if (manifest.path("kind").asText().equals("HealthCheck")) {
                assertThat(schema.validate(manifest.path("spec")))
                        .as(manifest.toString())
                        .isEmpty();
                var record = RecordMapper.toRecord(manifest.path("spec"), HealthCheckSpec.class);
                assertThat(record.types()).as(manifest.toString()).hasSize(1);
            }
        }
    }

    @Test
    void importsGatus() {
        var migration = Migration.gatus(List.of(new Source("gatus.yaml", GATUS)), "monitoring");
        fitsTheKind(migration);
        assertThat(migration.checks()).isEqualTo(8);
        var front = spec(migration, "core-front-end");
        assertThat(front.path("interval").asText()).isEqualTo("5m");
        assertThat(front.path("timeout").asText()).isEqualTo("3s");
        assertThat(front.path("failureThreshold").asInt()).isEqualTo(5);
        assertThat(front.path("successThreshold").asInt()).isEqualTo(3);
        var http = front.path("http");
        assertThat(http.path("expectedStatus").toString()).isEqualTo("[\"200\",\"204\"]");
        assertThat(http.path("maxLatency").asText()).isEqualTo("300ms");
        assertThat(http.path("minCertificateDays").asInt()).isEqualTo(2);
        assertThat(http.path("followRedirects").asBoolean(true)).isFalse();
        assertThat(http.path("tls").path("insecureSkipVerify").asBoolean()).isTrue();
        assertThat(http.path("headers").toString())
                .contains("{\"name\":\"Accept\",\"value\":\"application/json\"}")
                .doesNotContain("secret1");
        assertThat(http.path("assertions").toString())
                .isEqualTo("[{\"jsonPath\":\"$.status\",\"equals\":\"UP\"},"
                        + "{\"cel\":\"string(response.json.user.name) != 'john'\"},"
                        + "{\"cel\":\"size(response.json.items) > 2\"},"
                        + "{\"cel\":\"!has(response.json.errors)\"},"
                        + "{\"cel\":\"double(response.json.n) >= 5.0\"},"
                        + "{\"contains\":\"healthy\"}]");
        var any = spec(migration, "any-status");
        assertThat(any.path("http").path("expectedStatus").toString()).isEqualTo("[\"100-403\",\"405-499\"]");
        assertThat(any.path("paused").asBoolean()).isTrue();
        assertThat(any.path("interval").asText()).isEqualTo("1m");
        assertThat(spec(migration, "db").path("tcp").toString()).isEqualTo("{\"host\":\"db.example\",\"port\":5432}");
        assertThat(spec(migration, "ping").path("icmp").path("host").asText()).isEqualTo("example.org");
        assertThat(spec(migration, "mail").path("tcp").path("steps")).hasSize(3);
        assertThat(spec(migration, "cert").path("tls").path("minDays").asInt()).isEqualTo(10);
        assertThat(spec(migration, "dns").path("dns").path("expectedAnswers").toString())
                .isEqualTo("[\"93.184.215.14\"]");
        assertThat(spec(migration, "batch-nightly").has("heartbeat")).isTrue();
        assertThat(spec(migration, "batch-nightly").path("interval").asText()).isEqualTo("24h");
    }

    @Test
    void reportsWhatHasNoCounterpartInGatus() {
        var findings = Migration.gatus(List.of(new Source("gatus.yaml", GATUS)), "monitoring")
                .findings();
        assertThat(findings)
                .extracting(Finding::place)
                .containsExactly(
                        "gatus.yaml: alerting",
                        "gatus.yaml: endpoints[0].ui",
                        "gatus.yaml: endpoints[0].client.proxy-url",
                        "gatus.yaml: endpoints[0].conditions[9]",
                        "gatus.yaml: endpoints[0].alerts",
                        "gatus.yaml: endpoints[7].url",
                        "gatus.yaml: external-endpoints[0].token");
    }

    @Test
    void keepsCredentialsInSecrets() {
        var migration = Migration.gatus(List.of(new Source("gatus.yaml", GATUS)), "monitoring");
        var secret = migration.manifests().getFirst();
        assertThat(secret.path("kind").asText()).isEqualTo("Secret");
        assertThat(secret.path("stringData").path("header-x-api-key").asText()).isEqualTo("secret1");
        assertThat(spec(migration, "core-front-end")
                        .path("http")
                        .path("headers")
                        .toString())
                .contains(
                        "{\"name\":\"X-Api-Key\",\"secretRef\":{\"name\":\"core-front-end-credentials\",\"key\":\"header-x-api-key\"}}");
    }

    @Test
    void importsBlackboxWithAPrometheusConfiguration() {
        var modules = """
                modules:
                  web:
                    prober: http
                    timeout: 4s
                    http:
                      valid_status_codes: [200, 301]
                      fail_if_body_not_matches_regexp: ["ok"]
                      fail_if_header_not_matches: [{header: X-A, regexp: "^b$"}]
                      fail_if_header_matches: [{header: X-B, regexp: "c", allow_missing: true}]
                      basic_auth: {username: u, password: p}
                      proxy_url: "http://proxy:3128"
                      tls_config: {ca_file: /etc/ca.pem}
                      preferred_ip_protocol: ip4
                      ip_protocol_fallback: false
                  smtp:
                    prober: tcp
                    tcp:
                      query_response: [{expect: "^220"}, {send: "STARTTLS"}, {expect: "^220"}, {starttls: true}]
                  soa: {prober: dns, dns: {query_name: example.org, query_type: SOA, validate_answer_rrs: {fail_if_not_matches_regexp: ["x"]}}}
                  wrong: {prober: carrier-pigeon}
                """;
        var prometheus = """
                global: {scrape_interval: 15s}
                scrape_configs:
                  - job_name: web
                    metrics_path: /probe
                    params: {module: [web]}
                    scrape_interval: 1m
                    static_configs:
                      - targets: [https://example.org, example.com]
                        labels: {team: core}
                    relabel_configs:
                      - {source_labels: [__address__], target_label: __param_target}
                      - {source_labels: [__param_target], target_label: instance}
                      - {target_label: __address__, replacement: "127.0.0.1:9115"}
                      - {source_labels: [x], regex: y, action: drop}
                  - job_name: mail
                    metrics_path: /probe
                    params: {module: [smtp]}
                    static_configs: [{targets: ["mail.example:25"]}]
                    file_sd_configs: [{files: [x.json]}]
                  - {job_name: node, static_configs: [{targets: ["n:9100"]}]}
                """;
        var migration = Migration.blackbox(
                List.of(
                        new Source("blackbox.yml", modules),
                        new Source("prometheus.yml", prometheus),
                        new Source("list.txt", "8.8.8.8 soa\n# a remark\nx.example nonsense\n")),
                "monitoring");
        fitsTheKind(migration);
        assertThat(migration.checks()).isEqualTo(4);
        var web = spec(migration, "web-example-org");
        assertThat(web.path("interval").asText()).isEqualTo("1m");
        assertThat(web.path("timeout").asText()).isEqualTo("4s");
        assertThat(web.path("http").path("ipProtocol").asText()).isEqualTo("ip4");
        assertThat(web.path("http").path("basicAuth").toString())
                .isEqualTo(
                        "{\"username\":\"u\",\"password\":{\"secretRef\":{\"name\":\"web-example-org-credentials\",\"key\":\"password\"}}}");
        assertThat(web.path("http").path("assertions").toString())
                .isEqualTo("[{\"regex\":\"ok\"},"
                        + "{\"cel\":\"!('x-b' in response.headers) || !response.headers['x-b'].matches('c')\"},"
                        + "{\"header\":\"X-A\",\"matches\":\"^b$\"}]");
        assertThat(spec(migration, "web-example-com").path("http").path("url").asText())
                .isEqualTo("http://example.com");
        assertThat(spec(migration, "smtp-mail-example-25").path("tcp").path("steps"))
                .hasSize(4);
        assertThat(spec(migration, "smtp-mail-example-25").path("interval").asText())
                .isEqualTo("15s");
        assertThat(migration
                        .manifests()
                        .get(1)
                        .path("metadata")
                        .path("labels")
                        .path("team")
                        .asText())
                .isEqualTo("core");
        assertThat(migration.findings())
                .extracting(f -> f.place().replaceFirst(" \\(module.*", ""))
                .containsExactly(
                        "blackbox.yml: modules.wrong.prober",
                        "prometheus.yml: scrape_configs[0].relabel_configs[3]",
                        "prometheus.yml: scrape_configs[1].file_sd_configs",
                        "prometheus.yml: scrape_configs[2]",
                        "modules.web.http.proxy_url",
                        "modules.web.http.tls_config.ca_file",
                        "list.txt: line 1",
                        "list.txt: line 3");
    }

    @Test
    void importsAPlainListWithTheUsualModules() {
        var migration =
                Migration.blackbox(List.of(new Source("l", "http://a.example\nb.example:22 ssh_banner\n")), "x");
        fitsTheKind(migration);
        assertThat(migration.findings()).isEmpty();
        assertThat(migration.yaml())
                .contains("kind: HealthCheck", "url: http://a.example", "expect: ^SSH-2.0-")
                .startsWith("---\n");
        assertThat(Yaml.read("x", migration.yaml().split("---\n")[1])
                        .path("kind")
                        .asText())
                .isEqualTo("HealthCheck");
    }

    @Test
    void refusesWhatIsNoYamlInWords() {
        assertThatThrownBy(() -> Migration.gatus(List.of(new Source("g.yaml", "a: [1\nb: }")), "x"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("g.yaml, line 2: no valid YAML");
        assertThat(Migration.blackbox(List.of(new Source("e", "")), "x").findings())
                .hasSize(1);
    }
}
