package dev.coppice.health.kind;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.control.Kind;
import dev.coppice.control.runtime.ExtensionHost;
import dev.coppice.schema.Schema;
import dev.coppice.schema.rule.RuleCheck;
import org.junit.jupiter.api.Test;

class HealthKindsTest {
    /** Any API server has to take them, see {@code coppice operator}: Kubernetes refuses rules that could cost too much. */
    @Test
    void theirRulesCostLittle() {
        for (Kind<?, ?> kind : HealthKinds.all()) {
            Schema schema =
                    Schema.ofResource(ExtensionHost.definition(kind).at("/spec/versions/0/schema/openAPIV3Schema"));
            assertThat(RuleCheck.check(schema, "", false)).as(kind.kind()).isEmpty();
        }
    }
}
