package dev.coppice.expression;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What expressions of mutating policies construct. */
class ConstructionsTest {
    private static final Environment ANY =
            Environment.empty().withVariable("object").constructing();
    private static final Environment OBJECT = ANY.withResult(ValueType.OBJECT);
    private static final Environment PATCHES = ANY.withResult(ValueType.JSON_PATCHES);

    private static String made(Environment environment, String source) throws Exception {
        Expression expression = Expression.compile(source, environment);
        Object object = new ObjectMapper().readTree("{\"n\":7,\"names\":[\"a\",\"b\"]}");
        return expression
                .construct(Variables.of(Map.of("object", object)), expression.budget())
                .toString();
    }

    @Test
    void objectsAreMadeWithTypesNamedByTheirPaths() throws Exception {
        assertThat(made(
                        OBJECT,
                        "Object{spec: Object.spec{n: object.n + 1, list: object.names.map(x, Object.spec.list{name: x}),"
                                + " labels: {'a/b': 'c'}, ?none: optional.none(), ?some: optional.of(true)}}"))
                .isEqualTo("{\"spec\":{\"labels\":{\"a/b\":\"c\"},\"list\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"n\":8,"
                        + "\"some\":true}}");
        assertThat(made(OBJECT, "Object{}")).isEqualTo("{}");
        assertThat(made(OBJECT, "object.n > 8 ? Object{a: 1} : Object{b: null}"))
                .isEqualTo("{\"b\":null}");
    }

    @Test
    void partsOfOtherPlacesAreToldApart() {
        assertThatThrownBy(() -> made(OBJECT, "Object{spec: Object.wrong{deep: Object.wrong.deep{}}}"))
                .isInstanceOf(MismatchedTypeException.class)
                .hasMessage(
                        "type mismatch: unexpected type name \"Object.wrong\", expected \"Object.spec\", which matches"
                                + " field name path from root Object type\nunexpected type name \"Object.wrong.deep\", expected"
                                + " \"Object.spec.deep\", which matches field name path from root Object type");
        assertThatThrownBy(() -> made(OBJECT, "Object{l: [Object.m{}]}")).isInstanceOf(MismatchedTypeException.class);
        assertThatThrownBy(() -> made(OBJECT, "Object{l: {'k': Object.m{}}}"))
                .isInstanceOf(MismatchedTypeException.class);
    }

    @Test
    void patchesAreLists() throws Exception {
        assertThat(made(
                        PATCHES,
                        "[JSONPatch{op: 'test', path: '/a', value: [1, 2]}] + (object.n == 7 ? [JSONPatch{op: 'move', from: '/x',"
                                + " path: '/labels/' + jsonpatch.escapeKey('a/b~c')}] : [])"))
                .isEqualTo("[{\"op\":\"test\",\"path\":\"/a\",\"value\":[1,2]},"
                        + "{\"from\":\"/x\",\"op\":\"move\",\"path\":\"/labels/a~1b~0c\"}]");
        assertThat(made(PATCHES, "[JSONPatch{op: 'add', path: '/spec', value: Object.spec{a: Object.spec.a{b: 1}}}]"))
                .contains("{\"a\":{\"b\":1}}");
        assertThatThrownBy(
                        () -> made(PATCHES, "[JSONPatch{op: 'add', path: '/spec', value: Object.spec{a: Object.b{}}}]"))
                .isInstanceOf(MismatchedTypeException.class);
        assertThat(made(PATCHES, "[]")).isEqualTo("[]");
    }

    @Test
    void otherResultsDoNotCompile() {
        for (String source : new String[] {"{'a': 1}", "1", "Object.spec{}", "[JSONPatch{}]"}) {
            assertThatThrownBy(() -> made(OBJECT, source))
                    .as(source)
                    .isInstanceOf(InvalidExpressionException.class)
                    .hasMessageContaining("expected type 'Object'");
        }
        for (String source : new String[] {"[1]", "JSONPatch{}", "Object{}"}) {
            assertThatThrownBy(() -> made(PATCHES, source))
                    .as(source)
                    .isInstanceOf(InvalidExpressionException.class)
                    .hasMessageContaining("expected type 'list(JSONPatch)'");
        }
        assertThatThrownBy(() -> made(PATCHES, "[JSONPatch{op: 1}]")).isInstanceOf(InvalidExpressionException.class);
        assertThatThrownBy(() -> made(PATCHES, "[JSONPatch{operation: 'add'}]"))
                .hasMessageContaining("undefined field 'operation'");
        assertThatThrownBy(() -> made(OBJECT, "Objects{}")).isInstanceOf(InvalidExpressionException.class);
    }

    @Test
    void otherExpressionsConstructNothing() {
        Environment plain = Environment.empty().withVariable("object");
        for (String source : new String[] {"Object{a: 1}", "JSONPatch{op: 'add'}", "jsonpatch.escapeKey('a')"}) {
            assertThatThrownBy(() -> Expression.compile(source, plain))
                    .as(source)
                    .isInstanceOf(InvalidExpressionException.class);
        }
    }
}
