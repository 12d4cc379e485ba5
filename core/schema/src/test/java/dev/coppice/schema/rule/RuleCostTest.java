package dev.coppice.schema.rule;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.expression.SchemaSize;
import dev.coppice.schema.Json;
import dev.coppice.schema.Schema;
import dev.coppice.schema.ValidationRule;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What rules cost at most by what their schemas say: the numbers that Kubernetes' own tests expect. They are from apiextensions-apiserver,
 * pkg/apiserver/schema/cel: TestCostEstimation of compilation_test.go and TestCelEstimatedCostStability of
 * celcoststability_test.go as these were with cel-go 0.22, which 1.32 has.
 */
class RuleCostTest {
    private static final Map<String, String> ITEMS = Map.of(
            "number", "{type:'number'}",
            "string", "{type:'string'}",
            "boolean", "{type:'boolean'}",
            "int-or-string", "{'x-kubernetes-int-or-string':true}",
            "duration", "{type:'string',format:'duration'}",
            "date", "{type:'string',format:'date'}",
            "date-time", "{type:'string',format:'date-time'}",
            "array", "{type:'array',items:{type:'number'}}",
            "map", "{type:'object',additionalProperties:{type:'number'}}",
            "object",
                    "{type:'object',required:['required'],properties:{required:{type:'string'},optional:{type:'string'}}}");

    private static String cost(String schema, String rule) throws Exception {
        Schema read = Schema.of(Json.of(schema));
        SchemaSize size = Objects.requireNonNull(CompiledRule.Scope.size(read));
        CompiledRule compiled = CompiledRule.compile(
                new ValidationRule(rule, "", "", "", "", null), CompiledRule.Scope.estimating(read, size));
        return Long.toUnsignedString(compiled.cost());
    }

    private static String limited(String schema, String keyword, long limit) {
        ObjectNode json = Json.object(schema);
        return json.put(keyword, limit).toString();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            number | self.all(x, true) | 4718591 | 10 | 32
            string | self.all(x, true) | 3145727 | 20 | 62
            boolean | self.all(x, true) | 1887437 | 5 | 17
            array | self.all(x, true) | 3145727 | 100 | 302
            object | self.all(x, true) | 555128 | 50 | 152
            number | self[1] == 0.0 | 2 | 5000 | 2
            string | self[1] == self[1] | 314577 | 8 | 314577
            number | self.all(x, self.all(y, true)) | UNTOLD | 10 | 352
            number | self.all(x, self.all(y, self.all(z, true))) | UNTOLD | 10 | 3552
            number | self[3] == 0.0 | 2 | 0 | 2
            number | self.all(x, x == 0.0) | 6291454 | 6291456 | 25165826
            int-or-string | self.all(x, true) | 4718591 | 10 | 32
            int-or-string | self[0] == 5 | 3 | 10 | 3
            boolean | self[0] == false | 2 | 25 | 2
            array | self[0][0] == -1.0 | 3 | 51 | 3
            map | self.all(x, x.y == 25.2) | 6291452 | 12 | 74
            map | self[0].x > 2.0 | 4 | 3000 | 4
            duration | self.all(x, true) | 2359295 | 5 | 17
            duration | self[0].getHours() == 2 | 4 | 525 | 4
            date | self.all(x, true) | 725936 | 15 | 47
            date | self[2].getDayOfMonth() == 13 | 4 | 42 | 4
            date-time | self.all(x, true) | 428963 | 25 | 77
            date-time | self[2].getMinutes() == 45 | 4 | 99 | 4
            """)
    void lists(String items, String rule, String unlimited, long maxItems, String limited) throws Exception {
        String schema = "{type:'array',items:" + ITEMS.get(items) + "}";
        if (!unlimited.equals("UNTOLD")) {
            assertThat(cost(schema, rule)).isEqualTo(unlimited);
        }
        assertThat(cost(limited(schema, "maxItems", maxItems), rule)).isEqualTo(limited);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            number | self.all(x, true) | 1348169 | 10 | 32
            string | self.all(x, true) | 1179647 | 3 | 11
            boolean | self.all(x, true) | 943718 | 100 | 302
            number | self["x"] == 0.0 | 2 | 0 | 2
            int-or-string | self.all(x, true) | 1348169 | 15 | 47
            object | self.all(x, true) | 428963 | 20 | 62
            map | self.all(x, true) | 1179647 | 10 | 32
            array | self.all(x, true) | 1179647 | 25 | 77
            duration | self.all(x, true) | 1048577 | 5 | 17
            date | self.all(x, true) | 524288 | 10 | 32
            date-time | self.all(x, true) | 349526 | 25 | 77
            number | oldSelf.size() == self.size() | 5 | 10 | 5
            date-time | self["a"] == self["b"] | 8 | 7 | 8
            duration | self["c"] == self["d"] | 8 | 42 | 8
            """)
    void maps(String values, String rule, String unlimited, long maxProperties, String limited) throws Exception {
        String schema = "{type:'object',additionalProperties:" + ITEMS.get(values) + "}";
        assertThat(cost(schema, rule)).isEqualTo(unlimited);
        assertThat(cost(limited(schema, "maxProperties", maxProperties), rule)).isEqualTo(limited);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            self.contains('test') | 314574 | 10 | 5
            self.startsWith('test') | 2 | 15 | 2
            self.endsWith('test') | 2 | 30 | 2
            size(self + "hello") > size("hello") | 314578 | 4 | 7
            self.matches("x") | 314574 | 50 | 22
            "".matches("(((((((((())))))))))[0-9]") | 7 | 10 | 7
            self.matches("") | 1 | 100 | 1
            self == "x" | 2 | 0 | 1
            self.find('[0-9]+') == '' | 629147 | 10 | 11
            self.lowerAscii() == 'lower!' | 314575 | 10 | 6
            """)
    void strings(String rule, String unlimited, long maxLength, String limited) throws Exception {
        assertThat(cost("{type:'string'}", rule)).isEqualTo(unlimited);
        assertThat(cost(limited("{type:'string'}", "maxLength", maxLength), rule))
                .isEqualTo(limited);
    }

    @Test
    void bytesAreCountedAsBytes() throws Exception {
        assertThat(cost("{type:'string',format:'byte'}", "self == b\"x\"")).isEqualTo("2");
        assertThat(cost("{type:'string',format:'byte',maxLength:0}", "self == b\"x\""))
                .isEqualTo("1");
    }

    @Test
    void enumsAreAsLongAsTheirLongestValue() throws Exception {
        String schema = "{type:'string',enum:['A','B','C','LongValue']}";
        assertThat(cost(schema, "self.contains('A')")).isEqualTo("2");
        assertThat(cost(limited(schema, "maxLength", 1000), "self.contains('A')"))
                .isEqualTo("401");
    }

    @Test
    void sizesOfResultsFollowFromThoseOfArguments() throws Exception {
        String list = "{type:'array',items:{type:'string'}}";
        String short10 = "{type:'array',maxItems:10,items:{type:'string',maxLength:10}}";
        assertThat(cost(list, "self.join(' ') == 'aa bb'")).isEqualTo("329853068905");
        assertThat(cost(short10, "self.join(' ') == 'aa bb'")).isEqualTo("43");
        assertThat(cost(list, "self.isSorted() == true")).isEqualTo("329854432052");
        assertThat(cost(short10, "self.isSorted() == true")).isEqualTo("52");
        String replace = "{type:'object',properties:{str:{type:'string'},before:{type:'string',maxLength:2},"
                + "after:{type:'string',maxLength:4}}}";
        String replaced = "self.str.replace(self.before, self.after) == 'does not matter'";
        assertThat(cost(replace, replaced)).isEqualTo("629154");
        assertThat(cost(replace.replace("str:{", "str:{maxLength:4,"), replaced))
                .isEqualTo("12");
        String split = "{type:'object',properties:{str:{type:'string'},separator:{type:'string'}}}";
        assertThat(cost(split, "self.str.split(self.separator) == []")).isEqualTo("629160");
        assertThat(cost(
                        split.replace("{type:'string'}", "{type:'string',maxLength:10}"),
                        "self.str.split(self.separator) == []"))
                .isEqualTo("22");
    }

    @Test
    void limitsCountAtEachLevel() throws Exception {
        String nested = "{type:'array',items:{type:'object',additionalProperties:" + ITEMS.get("object") + "}}";
        String rule = "self.all(x, x[\"y\"].required == \"z\")";
        assertThat(cost(nested, rule)).isEqualTo("7340027");
        assertThat(cost(limited(nested, "maxItems", 10), rule)).isEqualTo("72");
        String map = "{type:'object',additionalProperties:{type:'string'}}";
        assertThat(cost(map, "self.all(x, x.contains(self[x]))")).isEqualTo("2752507");
        assertThat(cost(
                        "{type:'object',maxProperties:10,additionalProperties:{type:'string',maxLength:10}}",
                        "self.all(x, x.contains(self[x]))"))
                .isEqualTo("72");
    }

    private static final String SCALARS = "{type:'object',properties:{i:{type:'integer'},n:{type:'number'},"
            + "s:{type:'string'},t:{type:'string'},b:{type:'string',format:'byte'},c:{type:'string',format:'byte'},"
            + "y:{type:'boolean'},d:{type:'string',format:'duration'},e:{type:'string',format:'date'},"
            + "m:{type:'string',format:'date-time'},x:{'x-kubernetes-int-or-string':true}}}";

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            4 | self.i == self.i
            4 | type(self.i) == int
            5 | self.i + 1 == 2147483647 + 1
            2 | self.n == 1.0
            6 | double(self.i) < self.n
            6 | self.i < int(self.n)
            2 | double(5) < 10.0
            943721 | self.s.matches('^[^0-9]*$')
            629149 | !self.s.matches('^[0-9]*$')
            4 | size(self.s) == 12
            4 | self.s.charAt(3) == 'k'
            314576 | self.s.indexOf('o', 2) == 2
            629150 | self.s.replace(' ', 'x') == 'Rookxtakesx👑'
            629159 | self.s.split(' ', 2) == ['Rook', 'takes 👑']
            629149 | self.s.substring(4, 10).trim() == 'takes'
            943723 | self.s.lowerAscii() == self.s.lowerAscii()
            314577 | self.b == self.c
            3 | self.b == b'AB'
            4 | self.y != self.y
            6 | self.d == duration('1h2m') + duration('3s4ms')
            4 | self.d.getHours() == 1
            4 | type(self.d) == google.protobuf.Duration
            4 | type(self.m) == google.protobuf.Timestamp
            4 | self.e.getDate() == 16
            6 | self.m == timestamp('2011-08-18T00:00:00.000+01:00') + duration('19h3m37s10ms')
            5 | int(self.n) == self.i
            629150 | bytes(self.s) == self.b
            314578 | string(self.i) == self.s
            629150 | string(self.b) == self.s
            6 | duration(self.s) == self.d
            314578 | string(self.m) == self.s
            7 | type(self.x) == int ? self.x == 1 : self.x == '25%'
            13 | self.x != ['anything']
            1258298 | type(self.x) == string && self.x.matches(r'(\\d+(\\.\\d+)?%)')
            629162 | type(self.x) == int ? self.i <= self.x : double(self.i) / double(self.i) >= double(self.x.replace('%', '')) / 100.0
            1 | has(self.s)
            5 | has(self.s) && self.s == 'default value'
            314575 | isQuantity(self.s)
            629151 | quantity(self.s).isLessThan(quantity(self.t))
            1844674407370955268 | type(self) == type(self)
            """)
    void scalars(String cost, String rule) throws Exception {
        assertThat(cost(SCALARS, rule)).isEqualTo(cost);
    }

    private static final String LISTS = "{type:'object',properties:{a:{type:'array',items:{type:'integer'}},"
            + "b:{type:'array',items:{type:'integer'}},s:{type:'array',items:{type:'string'}},"
            + "m:{type:'array',items:{type:'object',properties:{k:{type:'string'},v:{type:'string'},v2:{type:'string'}}}},"
            + "o:{type:'array',items:{type:'array',items:{type:'object',properties:{k:{type:'string'},'k.':{type:'string'}}}}},"
            + "map:{type:'object',additionalProperties:{type:'integer'}}}}";

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '`', textBlock = """
            1572865 ; 1 in self.a
            1572868 ; self.b[0] in self.a
            16 ; self.a + self.b == [1, 2, 3, 1, 2, 3]
            24 ; self.a + [4, 5] == [1, 2, 3, 4, 5]
            11010044 ; self.a.all(k, size(self.a) > 0)
            23592949 ; self.a.exists_one(k, self.a == [2])
            26738686 ; size(self.a.filter(k, size(self.a) > 1)) == 1
            7864318 ; self.a.all(e, e > 0)
            9437181 ; self.a.exists(e, e > 2)
            6291456 ; self.a.exists_one(e, e > 4)
            25165823 ; size(self.a.filter(e, e%2 == 0)) == 3
            53477367 ; self.a.map(e, e * 20).filter(e, e > 50).exists(e, e == 60)
            104862 ; self.s == self.s
            7340028 ; self.s.all(k, size(self.s) > 0)
            104864 ; self.o[0] == self.o[1]
            104868 ; self.o[0] + self.o[2] == self.o[2]
            22 ; self.o[0] == [self.o[0][0], self.o[0][1]]
            104883 ; self.o[2] + [self.o[0][0], self.o[0][1]] == self.o[0]
            20 ; size(self.o[0] + [self.o[3][0]]) == 3
            8388604 ; self.o[0].all(k, size(self.o[0]) > 0)
            6 ; self.o[0][0].k__dot__ == '1'
            3 ; 'b' in self.map
            2 ; has(self.map.b)
            3595115 ; self.map.all(k, self.map[k] > 0)
            2696338 ; self.map.exists_one(k, self.map[k] == 2)
            8089017 ; size(self.map.filter(k, self.map[k] > 1)) == 1
            3 ; has(self.m[0].v)
            6291453 ; self.m.all(m, m.k.startsWith('a'))
            8388603 ; self.m.all(m, !has(m.v2) || m.v2 == 'z')
            5242879 ; self.m.exists_one(m, m.k == 'a3')
            16777215 ; size(self.m.filter(m, m.k == 'a1')) == 1
            10485753 ; self.m.exists(m, m.k == 'a1' && m.v == 'b1')
            19922939 ; self.m.map(m, m.v).exists(v, v == 'b1')
            18874365 ; self.m.map(m, has(m.v2) && m.v2 == 'z', m.v2).size() == 1
            32505851 ; self.m.filter(m, has(m.v2) && m.v2 == 'z').map(m, m.v2).size() == 1
            """)
    void macros(String cost, String rule) throws Exception {
        assertThat(cost(LISTS, rule)).isEqualTo(cost);
    }

    private static final String TEN = "{type:'object',properties:{"
            + "mapOfMap:{type:'object',maxProperties:10,additionalProperties:{type:'object',maxProperties:10,additionalProperties:{type:'string'}}},"
            + "mapOfList:{type:'object',maxProperties:10,additionalProperties:{type:'array',maxItems:10,items:{type:'object',properties:{k:{type:'string'},v:{type:'string'}}}}},"
            + "listOfMap:{type:'array',maxItems:10,items:{type:'object',maxProperties:10,additionalProperties:{type:'string'}}},"
            + "listOfList:{type:'array',maxItems:10,items:{type:'array',maxItems:10,items:{type:'object',properties:{k:{type:'string'},v:{type:'string'}}}}},"
            + "obj:{type:'object',properties:{field:{type:'string'}}},m:{type:'object',additionalProperties:{type:'string'}},"
            + "l:{type:'array',items:{type:'string'}},"
            + "embedded:{type:'object','x-kubernetes-embedded-resource':true}}}";

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            4 | self.obj.field == 'a'
            5 | self.mapOfMap['x']['y'] == 'b'
            104 | self.mapOfList['o'].exists(e, e.k == '1' && e.v == 'd')
            104 | self.listOfList[0].exists(e, e.k == '3' && e.v == 'i')
            286 | self.mapOfMap.map(k, k).map(k, k).size() == 1
            286 | self.listOfMap.map(e, e).map(e, e).size() == 1
            1585 | self.mapOfMap.map(k, self.mapOfMap[k].map(m, m)).size() == 1
            1555 | self.listOfMap.map(e, e.map(m, m)).size() == 1
            1555 | self.listOfList.map(e, e.map(e, e)).size() == 1
            4 | self.embedded.kind == 'Pod'
            6 | self.embedded.metadata.generateName == 'pickItForMe'
            1844674407370955266 | optional.of('a') != optional.of('b')
            2 | optional.of('a').hasValue()
            4 | optional.none().or(optional.of('a')).hasValue()
            17 | optional.of('a').optMap(v, v == 'value').hasValue()
            1844674407370955268 | self.obj.?field == optional.of('a')
            5 | self.obj.?field.orValue('v') == 'a'
            1844674407370955268 | self.m[?'k'] == optional.of('v')
            1844674407370955268 | self.l[?0] == optional.of('a')
            2 | optional.ofNonZeroValue(1).hasValue()
            """)
    void compositions(String cost, String rule) throws Exception {
        assertThat(cost(TEN, rule)).isEqualTo(cost);
    }
}
