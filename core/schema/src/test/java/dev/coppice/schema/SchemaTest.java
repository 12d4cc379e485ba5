package dev.coppice.schema;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The texts are those that kube-apiserver 1.32 was recorded with. */
class SchemaTest {
    private static final Schema RIG = resource("""
            {"type":"object","required":["req"],"properties":{"req":{"type":"string"},"e":{"type":"string","enum":["red","blue"]},
            "p":{"type":"string","pattern":"^a+$"},"n":{"type":"integer","minimum":1,"maximum":5},
            "x":{"type":"number","minimum":0,"exclusiveMinimum":true,"multipleOf":0.5},
            "s":{"type":"string","minLength":2,"maxLength":3},
            "l":{"type":"array","minItems":1,"maxItems":2,"items":{"type":"integer"}},
            "set":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
            "map":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],
              "items":{"type":"object","required":["k"],"properties":{"k":{"type":"string"}}}},
            "o":{"type":"object","minProperties":1,"maxProperties":1,"additionalProperties":{"type":"boolean"}},
            "d":{"type":"string","format":"date-time"},"ip":{"type":"string","format":"ipv4"},
            "i32":{"type":"integer","format":"int32"},"one":{"type":"integer","oneOf":[{"minimum":10},{"maximum":5}]},
            "port":{"x-kubernetes-int-or-string":true}}}""");

    private static Schema resource(String spec) {
        return Schema.ofResource(Json.of("{type:'object',properties:{spec:" + spec
                + ",status:{type:'object','x-kubernetes-preserve-unknown-fields':true}}}"));
    }

    private static List<String> texts(String spec) {
        JsonNode tree = Json.of("{apiVersion:'g/v1',kind:'Rig',metadata:{name:'a'},spec:" + spec + "}");
        RIG.applyDefaults(tree);
        return RIG.validate(tree).stream().map(Cause::text).sorted().toList();
    }

    @Test
    void acceptsWhatFits() {
        assertThat(texts("{'req':'x','e':'red','p':'aa','n':5,'x':1.5,'s':'ab','l':[1],'set':['a','b'],'o':{'a':true},"
                        + "'d':'2001-01-01T00:00:00Z','ip':'1.2.3.4','port':80}"))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {}|spec.req: Required value
            {req:null}|spec.req: Required value
            {req:1}|spec.req: Invalid value: "integer": spec.req in body must be of type string: "integer"
            {req:'x',e:'green'}|spec.e: Unsupported value: "green": supported values: "red", "blue"
            {req:'x',p:'b'}|spec.p: Invalid value: "b": spec.p in body should match '^a+$'
            {req:'x',n:0}|spec.n: Invalid value: 0: spec.n in body should be greater than or equal to 1
            {req:'x',n:6}|spec.n: Invalid value: 6: spec.n in body should be less than or equal to 5
            {req:'x',n:1.5}|spec.n: Invalid value: "number": spec.n in body must be of type integer: "number"
            {req:'x',x:0.7}|spec.x: Invalid value: 0.7: spec.x in body should be a multiple of 0.5
            {req:'x',s:'a'}|spec.s: Invalid value: "a": spec.s in body should be at least 2 chars long
            {req:'x',s:'abcd'}|spec.s: Too long: may not be more than 3 bytes
            {req:'x',l:[]}|spec.l: Invalid value: 0: spec.l in body should have at least 1 items
            {req:'x',l:[1,2,3]}|spec.l: Too many: 3: must have at most 2 items
            {req:'x',l:['1']}|spec.l[0]: Invalid value: "string": spec.l[0] in body must be of type integer: "string"
            {req:'x',set:['a','a']}|spec.set[1]: Duplicate value: "a"
            {req:'x',map:[{k:'1'},{k:'1'}]}|spec.map[1]: Duplicate value: map[string]interface {}{"k":"1"}
            {req:'x',map:[{}]}|spec.map[0].k: Required value
            {req:'x',o:{}}|spec.o: Invalid value: 0: spec.o in body should have at least 1 properties
            {req:'x',o:{a:1}}|spec.o.a: Invalid value: "integer": spec.o.a in body must be of type boolean: "integer"
            {req:'x',d:'yesterday'}|spec.d: Invalid value: "yesterday": spec.d in body must be of type date-time: "yesterday"
            {req:'x',ip:'1.2.3'}|spec.ip: Invalid value: "1.2.3": spec.ip in body must be of type ipv4: "1.2.3"
            {req:'x',port:1.5}|spec.port: Invalid value: "number": spec.port in body must be of type integer,string: "number"
            {req:'x',port:true}|spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"
            """)
    void refusesInKubernetesWords(String spec, String text) {
        assertThat(texts(spec)).containsExactly(text);
    }

    @Test
    void reportsSeveralCauses() {
        assertThat(texts("{req:'x',x:0}"))
                .containsExactly(
                        "spec.x: Invalid value: 0: factor MultipleOf declared for spec.x must be positive: 0",
                        "spec.x: Invalid value: 0: spec.x in body should be greater than 0");
        assertThat(texts("{req:'x',one:7}"))
                .containsExactly(
                        "<nil>: Invalid value: \"\": \"spec.one\" must validate one and only one schema (oneOf). Found none valid",
                        "spec.one: Invalid value: 7: spec.one in body should be greater than or equal to 10");
        assertThat(texts("{req:'x',e:'green',n:9,s:'a'}")).hasSize(3);
    }

    @Test
    void leavesTheBaseOutOfMessages() {
        Schema status = Schema.of(Json.of("{type:'object',properties:{phase:{type:'string'}}}"));
        assertThat(status.validate(Json.of("{phase:5}"), "status"))
                .containsExactly(new Cause(
                        "status.phase",
                        "FieldValueTypeInvalid",
                        "Invalid value: \"integer\": phase in body must be of type string: \"integer\""));
    }

    @Test
    void defaults() {
        Schema dock = resource("""
                {"type":"object","default":{},"properties":{"mode":{"type":"string","default":"auto"},"n":{"type":"integer"},
                "nul":{"type":"string","nullable":true,"default":"d"},
                "nested":{"type":"object","properties":{"a":{"type":"boolean","default":true},"b":{"type":"string"}}},
                "list":{"type":"array","items":{"type":"object","properties":{"p":{"type":"string","default":"TCP"}}}},
                "m":{"type":"object","additionalProperties":{"type":"object","properties":{"x":{"type":"integer","default":7}}}}}}""");
        JsonNode none = Json.of("{metadata:{name:'none'}}");
        dock.applyDefaults(none);
        assertThat(none).isEqualTo(Json.of("{metadata:{name:'none'},spec:{mode:'auto',nul:'d'}}"));
        JsonNode some = Json.of("{spec:{mode:null,nul:null,nested:{},list:[{},{p:'UDP'}],m:{k:{},l:{x:1}},n:null}}");
        dock.applyDefaults(some);
        assertThat(some)
                .isEqualTo(
                        Json.of(
                                "{spec:{mode:'auto',nul:null,nested:{a:true},list:[{p:'TCP'},{p:'UDP'}],m:{k:{x:7},l:{x:1}}}}"));
    }

    @Test
    void prunesAndNamesUnknownFields() {
        Schema bin = resource("""
                {"type":"object","properties":{"a":{"type":"string"},"o":{"type":"object","properties":{"x":{"type":"integer"}}},
                "arr":{"type":"array","items":{"type":"object","properties":{"k":{"type":"string"}}}},
                "map":{"type":"object","additionalProperties":{"type":"string"}},
                "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true,
                  "properties":{"typed":{"type":"object","properties":{"n":{"type":"integer"}}}}},
                "emb":{"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true}}}""");
        JsonNode tree = Json.of(
                "{apiVersion:'g/v1',kind:'Bin',metadata:{name:'a',bogus:1},extra:{q:1},"
                        + "spec:{a:'1',zz:1,o:{x:1,y:2},arr:[{k:'1',l:'2'}],map:{any:'thing'},"
                        + "free:{x:[1,{y:null}],typed:{n:1,drop:1}},emb:{kind:'Pod',metadata:{name:'x',bogus:1},spec:{any:1}}}}");
        JsonNode untouched = tree.deepCopy();
        List<String> expected = List.of(
                "metadata.bogus",
                "extra",
                "spec.arr[0].l",
                "spec.free.typed.drop",
                "spec.o.y",
                "spec.zz",
                "spec.emb.metadata.bogus");
        assertThat(bin.unknownFields(tree)).isEqualTo(expected);
        assertThat(tree).isEqualTo(untouched);
        assertThat(bin.prune(tree)).isEqualTo(expected);
        assertThat(bin.prune(tree)).isEmpty();
        assertThat(bin.validate(tree)).containsExactly(Cause.required("spec.emb.apiVersion", "must not be empty"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {properties:{}}|P.type: Required value: must not be empty at the root
            {type:'object',properties:{a:{type:'string',default:5}}}|P.properties[a].default: Invalid value: "integer":  in body must be of type string: "integer"
            {type:'object',properties:{a:{}}}|P.properties[a].type: Required value: must not be empty for specified object fields
            {type:'object',properties:{a:{type:'array'}}}|P.properties[a].items: Required value: must be specified
            {type:'object',properties:{a:{type:'array','x-kubernetes-list-type':'map',items:{type:'object'}}}}|P.properties[a].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map
            """)
    void checksSchemasInKubernetesWords(String schema, String text) {
        assertThat(Schema.check(Json.of(schema), "P").stream().map(Cause::text)).containsExactly(text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"(a{1000}){1000}", "((a{100}){100}){100}", "(x", "((((a{50}){50}){50}){50})"})
    void refusesPatternsThatAreMalformedOrExplode(String pattern) {
        assertThat(Schema.check(
                        Json.of("{type:'object',properties:{a:{type:'string',pattern:'" + pattern + "'}}}"), "P"))
                .singleElement()
                .extracting(Cause::message)
                .asString()
                .contains("must be a valid regular expression, but isn't: ");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "^a+$",
                "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]{1,63}){0,10}$",
                "a{1000}",
                "[{]{2}",
                "x{,5}"
            })
    void acceptsOrdinaryPatterns(String pattern) {
        assertThat(Schema.check(
                        Json.of("{type:'object',properties:{a:{type:'string',pattern:'" + pattern + "'}}}"), "P"))
                .isEmpty();
    }

    @Test
    void writesNumbersAsGoDoes() {
        assertThat(Values.number(0.5)).isEqualTo("0.5");
        assertThat(Values.number(1e21)).isEqualTo("1e+21");
        assertThat(Values.number(1e-5)).isEqualTo("1e-05");
        assertThat(Values.number(100.0)).isEqualTo("100");
    }
}
