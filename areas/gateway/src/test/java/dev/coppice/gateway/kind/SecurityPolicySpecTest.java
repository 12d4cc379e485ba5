package dev.coppice.gateway.kind;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.coppice.control.runtime.ExtensionHost;
import dev.coppice.schema.Cause;
import dev.coppice.schema.Schema;
import dev.coppice.schema.rule.RuleSet;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a SecurityPolicy may say, and how it is told that it may not. */
class SecurityPolicySpecTest {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
    private static final Schema SCHEMA = Schema.ofResource(
            ExtensionHost.definition(GatewayKinds.SECURITY_POLICY).at("/spec/versions/0/schema/openAPIV3Schema"));
    private static final RuleSet RULES = RuleSet.of(SCHEMA);

    private static String problems(String rest) throws Exception {
        ObjectNode tree = (ObjectNode) YAML.readTree(
                "spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: gate}]" + rest + "}");
        SCHEMA.applyDefaults(tree);
        List<Cause> causes = new ArrayList<>(SCHEMA.validate(tree));
        if (causes.isEmpty()) {
            causes.addAll(RULES.validate(tree, null, ""));
        }
        return causes.isEmpty() ? "" : Cause.text(causes);
    }

    private static String method(String method) throws Exception {
        return problems(", authentication: {methods: [" + method + "]}");
    }

    private static String token(String rest) throws Exception {
        return method("{name: a, type: JWT, jwt: {issuer: i, keys: " + rest + "}}");
    }

    @Test
    void goodOnesAreTaken() throws Exception {
        assertThat(problems(", authorization: {}")).isEmpty();
        assertThat(
                        problems(
                                ", authorization: {defaultAction: Allow, rules: [{name: a, action: Deny, when: \"auth.subject == ''\"}]}"))
                .isEmpty();
        assertThat(method("{name: a, type: Basic, basic: {secretRef: {name: s}}}"))
                .isEmpty();
        assertThat(
                        method(
                                "{name: a, type: APIKey, apiKey: {from: [{type: Header, name: X-Key}], secretRefs: [{name: s}]}}"))
                .isEmpty();
        assertThat(method("{name: a, type: External, external: {service: {name: s, port: 80}}}"))
                .isEmpty();
        assertThat(method("{name: a, type: ClientCertificate}")).isEmpty();
        assertThat(token("{inline: '{}'}")).isEmpty();
        assertThat(token("{ref: {group: '', kind: ConfigMap, name: a}}, claimHeaders: [{claim: [a, b], header: x-a}]"))
                .isEmpty();
        assertThat(token("{remote: {uri: 'https://issuer.example:8443/keys?x'}}, clockSkew: 0s, algorithms: [EdDSA]"))
                .isEmpty();
    }

    @Test
    void whatNobodyCouldMeanIsRefused() throws Exception {
        assertThat(problems("")).contains("authentication or authorization must be given");
        assertThat(problems(", authentication: {methods: []}")).contains("spec.authentication.methods");
        assertThat(method("{name: a, type: Basic}")).contains("basic must be given");
        assertThat(method("{name: a, type: Basic, basic: {secretRef: {name: s}}, jwt: {issuer: i, keys: {inline: x}}}"))
                .contains("jwt must be given");
        assertThat(method("{name: a, type: Magic}")).contains("spec.authentication.methods[0].type");
        assertThat(
                        method(
                                "{name: a, type: APIKey, apiKey: {from: [{type: Query, name: k, prefix: x}], secretRefs: [{name: s}]}}"))
                .contains("prefix may be given");
        assertThat(token("{}")).contains("one of inline, ref and remote");
        assertThat(token("{inline: x, remote: {uri: 'https://a/b'}}")).contains("one of inline, ref and remote");
        assertThat(token("{remote: {uri: 'http://issuer.example/'}}")).contains("uri");
        assertThat(token("{remote: {uri: 'https://user@issuer.example/'}}")).contains("uri");
        assertThat(token("{remote: {uri: 'https://a/b', refresh: 10s}}")).contains("1m to 24h");
        assertThat(token("{inline: x}, clockSkew: 11m")).contains("0s to 10m");
        assertThat(token("{inline: x}, algorithms: [HS256]")).contains("algorithms");
        assertThat(token("{inline: x}, algorithms: [none]")).contains("algorithms");
        assertThat(method("{name: a, type: Basic, basic: {secretRef: {name: s}}, clientCertificate: {}}"))
                .contains("clientCertificate may be given");
        assertThat(method("{name: a, type: External}")).contains("external must be given");
        assertThat(method("{name: a, type: External, external: {service: {name: s, port: 80}, timeout: 31s}}"))
                .contains("1ms to 30s");
        assertThat(method("{name: a, type: External, external: {service: {name: s, port: 80}, path: 'http://a/'}}"))
                .contains("path");
        assertThat(problems(", authorization: {rules: [{name: a, action: Maybe, when: 'true'}]}"))
                .contains("action");
        assertThat(
                        problems(
                                ", authentication: {realm: 'a\"b', methods: [{name: a, type: Basic, basic: {secretRef: {name: s}}}]}"))
                .contains("realm");
    }
}
