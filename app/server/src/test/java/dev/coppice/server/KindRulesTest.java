package dev.coppice.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.coppice.control.Kind;
import dev.coppice.control.runtime.ExtensionHost;
import dev.coppice.schema.Schema;
import dev.coppice.schema.rule.RuleCheck;
import java.lang.reflect.Field;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The rules of all kinds of all modules: an area whose kind has one that does not compile would not start. */
final class KindRulesTest {
    /** By the classes and fields that have them. */
    private static final Map<String, Kind<?, ?>> KINDS = kinds();

    private static Map<String, Kind<?, ?>> kinds() {
        Map<String, Kind<?, ?>> all = new TreeMap<>();
        for (JavaClass each : new ClassFileImporter()
                .withImportOption(new ImportOption.DoNotIncludeTests())
                .importPackages("dev.coppice")) {
            for (JavaField field : each.getFields()) {
                if (field.getRawType().isEquivalentTo(Kind.class)
                        && field.getModifiers().contains(JavaModifier.STATIC)) {
                    all.put(each.getSimpleName() + "." + field.getName(), value(field.reflect()));
                }
            }
        }
        return all;
    }

    private static Kind<?, ?> value(Field field) {
        try {
            field.setAccessible(true);
            return (Kind<?, ?>) field.get(null);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Schema schema(Kind<?, ?> kind) {
        JsonNode schema = ExtensionHost.definition(kind).at("/spec/versions/0/schema/openAPIV3Schema");
        assertThat(Schema.check(schema, "openAPIV3Schema")).isEmpty();
        return Schema.ofResource(schema);
    }

    @Test
    void theKindsOfAllAreasAreFound() {
        assertThat(KINDS.values())
                .extracting(Kind::kind)
                .contains("HTTPRouteFilter", "Certificate", "HealthCheck", "Lock", "Member");
    }

    @TestFactory
    Stream<DynamicTest> theirRulesCompileAndCostLittle() {
        return KINDS.entrySet().stream()
                .map(each -> DynamicTest.dynamicTest(
                        each.getKey(),
                        () -> assertThat(RuleCheck.check(schema(each.getValue()), "openAPIV3Schema", false))
                                .isEmpty()));
    }
}
