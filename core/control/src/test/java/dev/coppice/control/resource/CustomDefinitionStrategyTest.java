package dev.coppice.control.resource;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.schema.Cause;
import java.util.List;
import org.junit.jupiter.api.Test;

class CustomDefinitionStrategyTest {
    private static final String SCHEMA =
            "\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\",\"properties\":{\"spec\":{\"type\":"
                    + "\"object\",\"properties\":{\"size\":{\"type\":\"string\"},\"tags\":{\"type\":\"array\",\"items\":{\"type\":"
                    + "\"string\"}}}}}}}";

    /** What is wrong with a definition of these versions (JSON without braces). */
    private static List<String> wrong(String group, String names, String... versions) {
        StringBuilder all = new StringBuilder();
        for (int i = 0; i < versions.length; i++) {
            all.append(i == 0 ? "{" : ",{")
                    .append("\"name\":\"v")
                    .append(i + 1)
                    .append("\",\"served\":true,\"storage\":")
                    .append(i == 0)
                    .append(versions[i].isEmpty() ? "" : "," + versions[i])
                    .append('}');
        }
        ObjectNode crd = Json.parse("{\"metadata\":{\"name\":\"cs." + group + "\"},\"spec\":{\"group\":\"" + group
                + "\",\"scope\":\"Cluster\",\"names\":{\"plural\":\"cs\",\"kind\":\"C\"" + names + "},\"versions\":["
                + all
                + "]},\"status\":{\"storedVersions\":[\"v1\"]}}");
        CustomDefinitionStrategy.INSTANCE.defaults(crd);
        return CustomDefinitionStrategy.INSTANCE.validate(crd, null).stream()
                .map(CustomDefinitionStrategyTest::text)
                .toList();
    }

    private static String text(Cause cause) {
        return cause.field() + ": " + cause.message();
    }

    @Test
    void aDefinitionWithEverythingIsValid() {
        assertThat(wrong(
                        "x.test",
                        ",\"categories\":[\"all\"]",
                        SCHEMA
                                + ",\"deprecated\":true,\"deprecationWarning\":\"use v2\",\"selectableFields\":[{\"jsonPath\":"
                                + "\".spec.size\"}],\"subresources\":{\"status\":{},\"scale\":{\"specReplicasPath\":"
                                + "\".spec.n\",\"statusReplicasPath\":\".status.n\",\"labelSelectorPath\":\".status.s\"}},"
                                + "\"additionalPrinterColumns\":[{\"name\":\"A\",\"type\":\"date\",\"format\":\"date-time\","
                                + "\"jsonPath\":\".spec.size\"}]"))
                .isEmpty();
    }

    @Test
    void columnsHaveKnownTypesAndSimplePaths() {
        assertThat(wrong(
                        "x.test",
                        "",
                        SCHEMA + ",\"additionalPrinterColumns\":[{\"name\":\"\",\"type\":\"text\",\"format\":\"f\","
                                + "\"jsonPath\":\"spec\"}]"))
                .containsExactly(
                        "spec.additionalPrinterColumns[0].name: Required value",
                        "spec.additionalPrinterColumns[0].type: Invalid value: \"text\": must be one of "
                                + "boolean,date,integer,number,string",
                        "spec.additionalPrinterColumns[0].format: Invalid value: \"f\": must be one of "
                                + "byte,date,date-time,double,float,int32,int64,password",
                        "spec.additionalPrinterColumns[0].JSONPath: Invalid value: \"spec\": must be a simple json path "
                                + "starting with .");
    }

    @Test
    void whatDiffersBetweenVersionsIsReportedInItsVersion() {
        String scale =
                ",\"subresources\":{\"scale\":{\"specReplicasPath\":\".status.n\",\"statusReplicasPath\":\"n\"}}";
        assertThat(wrong("x.test", "", SCHEMA + scale, SCHEMA + scale))
                .containsExactly(
                        "spec.subresources.scale.specReplicasPath: Invalid value: \".status.n\": should be a json path "
                                + "under .spec",
                        "spec.subresources.scale.statusReplicasPath: Invalid value: \"n\": must be a simple json path "
                                + "starting with .");
        assertThat(wrong("x.test", "", SCHEMA, SCHEMA + scale))
                .first()
                .asString()
                .startsWith("spec.versions[1].subresources.scale.specReplicasPath: ");
    }

    @Test
    void selectableFieldsAreScalarsOfTheSchema() {
        assertThat(wrong(
                        "x.test",
                        "",
                        SCHEMA + ",\"selectableFields\":[{\"jsonPath\":\".spec.size\"},{\"jsonPath\":\".spec.size\"},"
                                + "{\"jsonPath\":\".spec.tags\"},{\"jsonPath\":\".spec.no\"},{}]"))
                .containsExactly(
                        "spec.selectableFields[1].jsonPath: Duplicate value: \".spec.size\"",
                        "spec.selectableFields[2].jsonPath: Invalid value: \".spec.tags\": must point to a field of type "
                                + "string, boolean or integer. Enum string fields and strings with formats are allowed.",
                        "spec.selectableFields[3].jsonPath: Invalid value: \".spec.no\": is an invalid path: does not refer "
                                + "to a valid field",
                        "spec.selectableFields[4].jsonPath: Required value");
    }

    @Test
    void namesAndWarningsAndStoredVersions() {
        assertThat(wrong(
                        "x.test",
                        ",\"listKind\":\"C\",\"categories\":[\"A\"]",
                        SCHEMA + ",\"deprecationWarning\":\"x\""))
                .anyMatch(w ->
                        w.startsWith("spec.names.listKind: ") && w.endsWith("kind and listKind may not be the same"))
                .anyMatch(w -> w.startsWith("spec.names.categories[0]: Invalid value: \"A\""))
                .anyMatch(w -> w.endsWith("can only be set for deprecated versions"));
        ObjectNode crd = Json.parse(
                "{\"metadata\":{\"name\":\"cs.x.test\"},\"spec\":{\"group\":\"x.test\",\"scope\":\"Cluster\","
                        + "\"names\":{\"plural\":\"cs\",\"kind\":\"C\"},\"conversion\":{\"strategy\":\"None\"},\"versions\":[{\"name\":"
                        + "\"v2\",\"storage\":true," + SCHEMA + "}]},\"status\":{\"storedVersions\":[\"v1\",\"v2\"]}}");
        assertThat(CustomDefinitionStrategy.INSTANCE.validate(crd, null))
                .anyMatch(c -> c.field().equals("status.storedVersions[0]")
                        && c.message().contains("v1 was previously a storage version"));
    }

    @Test
    void groupsOfKubernetesNeedApproval() {
        assertThat(wrong("x.k8s.io", "", SCHEMA))
                .containsExactly(
                        "metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must"
                                + " have approval annotation \"api-approved.kubernetes.io\", see"
                                + " https://github.com/kubernetes/enhancements/pull/1111");
    }

    private static ObjectNode costly(String first, String second) {
        String version =
                "{\"name\":\"%s\",\"served\":true,\"storage\":%s,\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\","
                        + "\"properties\":{\"l\":{\"type\":\"array\",\"maxItems\":%s,\"items\":{\"type\":\"integer\"},"
                        + "\"x-kubernetes-validations\":[{\"rule\":\"self.all(x, x > 5)\"}]}}}}}";
        return Json.parse("{\"metadata\":{\"name\":\"cs.x.test\"},\"spec\":{\"group\":\"x.test\",\"scope\":\"Cluster\","
                + "\"names\":{\"plural\":\"cs\",\"kind\":\"C\"},\"conversion\":{\"strategy\":\"None\"},\"versions\":["
                + version.formatted("v1", true, first) + "," + version.formatted("v2", false, second)
                + "]},\"status\":{\"storedVersions\":[\"v1\"]}}");
    }

    private static List<String> changed(ObjectNode to, ObjectNode from) {
        return CustomDefinitionStrategy.INSTANCE.validate(to, from).stream()
                .map(Cause::field)
                .toList();
    }

    /** As kubernetes/kubernetes#121460 has it: what versions cost that did not change is only asked for altogether. */
    @Test
    void rulesOfVersionsThatDoNotChangeMayCostMore() {
        String rule = "schema.openAPIV3Schema.properties[l].x-kubernetes-validations[0].rule";
        ObjectNode stored = costly("3000000", "2500000");
        assertThat(changed(stored, stored)).isEmpty();
        assertThat(changed(costly("3000000", "2600000"), stored)).containsExactly("spec.versions[1]." + rule);
        assertThat(changed(costly("3000000", "10"), stored)).isEmpty();
        assertThat(changed(costly("2900000", "2500000"), stored)).containsExactly("spec.versions[0]." + rule);
        ObjectNode same = costly("3000000", "3000000");
        assertThat(changed(same, stored)).as("the first version is that of all").isEmpty();
        assertThat(changed(costly("2500000", "2500000"), stored))
                .containsExactly("spec.validation.openAPIV3Schema.properties[l].x-kubernetes-validations[0].rule");
        assertThat(changed(costly("30000000", "10"), costly("30000000", "10")))
                .contains("spec.versions[0].schema.openAPIV3Schema");
    }
}
