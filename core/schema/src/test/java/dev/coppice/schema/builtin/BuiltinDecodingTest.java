package dev.coppice.schema.builtin;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.schema.Json;
import dev.coppice.schema.Schema;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BuiltinDecodingTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', nullValues = "-", textBlock = """
            core.v1.ConfigMap|{data:{a:'1'},binaryData:{b:'eA=='},immutable:true}|-
            core.v1.ConfigMap|{data:{a:1}}|json: cannot unmarshal number into Go struct field ConfigMap.data of type string
            core.v1.ConfigMap|{data:['a']}|json: cannot unmarshal array into Go struct field ConfigMap.data of type map[string]string
            core.v1.ConfigMap|{metadata:{labels:{a:true}}}|json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string
            core.v1.ConfigMap|{binaryData:{a:'*'}}|illegal base64 data at input byte 0
            apps.v1.Deployment|{spec:{replicas:'3'}}|json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32
            apps.v1.Deployment|{spec:{replicas:1.5}}|json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32
            core.v1.Service|{spec:{ports:{}}}|json: cannot unmarshal object into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort
            core.v1.Service|{spec:{ports:[{port:80,targetPort:'http'}]}}|-
            coordination.v1.Lease|{spec:{renewTime:'yesterday'}}|parsing time "yesterday" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "yesterday" as "2006"
            coordination.v1.Lease|{spec:{renewTime:'2001-02-03T04:05:07Z'}}|parsing time "2001-02-03T04:05:07Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"
            coordination.v1.Lease|{spec:{renewTime:'2001-02-03T04:05:07.000001Z'}}|-
            core.v1.ResourceQuota|{spec:{hard:{pods:4,cpu:'100m',memory:'1Gi'}}}|-
            core.v1.ResourceQuota|{spec:{hard:{pods:'many'}}}|quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'
            """)
    void refusesWrongTypes(String kind, String tree, String error) {
        assertThat(BuiltinDecoding.error("io.k8s.api." + kind, Json.of(tree))).isEqualTo(error);
    }

    @Test
    void dropsNullsAndEmptyCollections() {
        Schema schema = BuiltinSchemas.schema("", "v1", "ConfigMap");
        assertThat(schema).isNotNull();
        JsonNode tree = Json.of(
                "{metadata:{name:'a',labels:{},annotations:null,finalizers:[],creationTimestamp:null},data:{},binaryData:null}");
        BuiltinDecoding.normalise(schema, tree);
        assertThat(tree).isEqualTo(Json.of("{metadata:{name:'a'}}"));
    }
}
