package dev.coppice.gateway.kind;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.coppice.control.Kind;
import dev.coppice.control.runtime.ExtensionHost;
import dev.coppice.schema.Cause;
import dev.coppice.schema.Schema;
import dev.coppice.schema.rule.RuleSet;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** What an API server says of specs of a kind. */
final class SpecProblems {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

    private final Schema schema;
    private final RuleSet rules;

    SpecProblems(Kind<?, ?> kind) {
        schema = Schema.ofResource(ExtensionHost.definition(kind).at("/spec/versions/0/schema/openAPIV3Schema"));
        rules = RuleSet.of(schema);
    }

    /** The problems of a spec in YAML; empty when there are none. */
    String of(String spec) throws IOException {
        ObjectNode tree = (ObjectNode) YAML.readTree("spec: " + spec);
        schema.applyDefaults(tree);
        List<Cause> causes = new ArrayList<>(schema.validate(tree));
        if (causes.isEmpty()) {
            causes.addAll(rules.validate(tree, null, ""));
        }
        return causes.isEmpty() ? "" : Cause.text(causes);
    }
}
