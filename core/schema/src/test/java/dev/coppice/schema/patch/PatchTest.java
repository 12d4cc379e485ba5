package dev.coppice.schema.patch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.schema.Json;
import dev.coppice.schema.Schema;
import org.junit.jupiter.api.Test;

class PatchTest {
    private static final Schema ACCOUNT = Schema.ofResource(Json.of("""
            {type:'object',properties:{data:{type:'object',additionalProperties:{type:'string'}},
            imagePullSecrets:{type:'array','x-kubernetes-list-type':'atomic',items:{type:'object',properties:{name:{type:'string'}}}},
            secrets:{type:'array','x-kubernetes-patch-strategy':'merge','x-kubernetes-patch-merge-key':'name',
              items:{type:'object',properties:{name:{type:'string'},n:{type:'integer'}}}}}}"""));

    private static JsonNode strategic(String original, String patch) {
        return StrategicMergePatch.apply(ACCOUNT, Json.object(original), Json.object(patch));
    }

    @Test
    void strategicPatchesMergeLists() {
        assertThat(strategic("{metadata:{finalizers:['one']}}", "{metadata:{finalizers:['two']}}"))
                .isEqualTo(Json.of("{metadata:{finalizers:['two','one']}}"));
        assertThat(strategic(
                        "{metadata:{finalizers:['two','one']}}",
                        "{metadata:{'$deleteFromPrimitiveList/finalizers':['one','two']}}"))
                .isEqualTo(Json.of("{metadata:{finalizers:[]}}"));
        assertThat(strategic("{data:{a:'1',b:'2'}}", "{data:{'$patch':'replace',only:'this'}}"))
                .isEqualTo(Json.of("{data:{only:'this'}}"));
        assertThat(strategic(
                        "{imagePullSecrets:[{name:'p1'}],secrets:[{name:'s1',n:1}]}",
                        "{imagePullSecrets:[{name:'p2'}],secrets:[{name:'s2'},{name:'s1',n:2}]}"))
                .isEqualTo(Json.of("{imagePullSecrets:[{name:'p2'}],secrets:[{name:'s2'},{name:'s1',n:2}]}"));
        assertThat(strategic("{secrets:[{name:'s1'},{name:'s2'}]}", "{secrets:[{'$patch':'delete',name:'s1'}]}"))
                .isEqualTo(Json.of("{secrets:[{name:'s2'}]}"));
        assertThat(strategic(
                                "{secrets:[{name:'a'},{name:'b'},{name:'c'}]}",
                                "{'$setElementOrder/secrets':[{name:'c'},{name:'a'}]}")
                        .toString())
                .isEqualTo("{\"secrets\":[{\"name\":\"b\"},{\"name\":\"c\"},{\"name\":\"a\"}]}");
    }

    @Test
    void mergePatchIsRfc7386() {
        String[][] cases = {
            {"{a:'b'}", "{a:'c'}", "{a:'c'}"},
            {"{a:'b'}", "{a:null}", "{}"},
            {"{a:['b']}", "{a:'c'}", "{a:'c'}"},
            {"{a:{b:'c'}}", "{a:{b:'d',c:null}}", "{a:{b:'d'}}"},
            {"{a:[{b:'c'}]}", "{a:[1]}", "{a:[1]}"},
            {"{e:null}", "{a:1}", "{e:null,a:1}"},
            {"{}", "{a:{bb:{ccc:null}}}", "{a:{bb:{}}}"},
        };
        for (String[] one : cases) {
            assertThat(MergePatch.apply(Json.of(one[0]), Json.of(one[1]))).isEqualTo(Json.of(one[2]));
        }
    }

    @Test
    void aPathThatDoesNotStartWithASlashIsRefused() {
        for (String operation : new String[] {
            "{op:'add',path:'x',value:1}",
            "{op:'remove',path:'x'}",
            "{op:'move',from:'x',path:'/y'}",
            "{op:'test',path:'x',value:1}"
        }) {
            assertThatThrownBy(() -> JsonPatch.apply(Json.of("{x:1}"), Json.of("[" + operation + "]")))
                    .isInstanceOf(PatchException.class)
                    .hasMessageContaining("\"x\" does not start with /");
        }
    }

    @Test
    void jsonPatchIsRfc6902() {
        assertThat(JsonPatch.apply(
                        Json.of("{a:[1,3],b:{c:1}}"),
                        Json.of(
                                "[{op:'test',path:'/b/c',value:1.0},{op:'add',path:'/a/1',value:2},{op:'add',path:'/a/-',value:4},"
                                        + "{op:'move',from:'/b/c',path:'/d'},{op:'copy',from:'/d',path:'/b/e'},{op:'remove',path:'/a/0'},"
                                        + "{op:'replace',path:'/d',value:{x:null}}]")))
                .isEqualTo(Json.of("{a:[2,3,4],b:{e:1},d:{x:null}}"));
        assertThatThrownBy(() -> JsonPatch.apply(Json.of("{a:1}"), Json.of("[{op:'test',path:'/a',value:2}]")))
                .isInstanceOf(PatchException.class)
                .hasMessage("testing value /a failed: test failed");
        assertThatThrownBy(() -> JsonPatch.apply(Json.of("{a:1}"), Json.of("[{op:'remove',path:'/x'}]")))
                .hasMessage("error in remove for path: '/x': Unable to remove nonexistent key: x: missing value");
        assertThatThrownBy(() -> JsonPatch.apply(Json.of("{a:1}"), Json.of("[{op:'replace',path:'/x',value:1}]")))
                .hasMessage("replace operation does not apply: doc is missing key: /x: missing value");
    }
}
