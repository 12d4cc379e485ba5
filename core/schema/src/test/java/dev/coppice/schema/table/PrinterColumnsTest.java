package dev.coppice.schema.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.schema.Json;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PrinterColumnsTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
    private static final PrinterColumns CAR = PrinterColumns.of(Json.of("""
            [{"name":"Name2","type":"string","jsonPath":".spec.n"},{"name":"Int","type":"integer","jsonPath":".spec.i"},
            {"name":"Num","type":"number","jsonPath":".spec.f"},{"name":"Bool","type":"boolean","jsonPath":".spec.b"},
            {"name":"When","type":"date","jsonPath":".spec.d"},{"name":"List","type":"string","jsonPath":".spec.l[*].x"},
            {"name":"First","type":"string","jsonPath":".spec.l[0].x"},
            {"name":"Cond","type":"string","jsonPath":".spec.c[?(@.type==\\"Ready\\")].status"},
            {"name":"Wide","type":"string","jsonPath":".spec.o","priority":1,"description":"an object"}]"""));

    private static String cells(String spec) {
        return CAR.cells(Json.object("{metadata:{name:'a'},spec:" + spec + "}"), NOW)
                .toString();
    }

    @Test
    void cellsFollowTheirTypes() {
        assertThat(
                        cells(
                                "{n:'x',i:5,f:1.5,b:true,l:[{x:'p'},{x:'q'}],c:[{type:'Other',status:'No'},{type:'Ready',status:'True'}],o:{k:'v'}}"))
                .isEqualTo("[\"a\",\"x\",5,1.5,true,null,\"p\",\"p\",\"True\",\"{\\\"k\\\":\\\"v\\\"}\"]");
        assertThat(cells("{i:'text',n:7,b:'no',l:[]}"))
                .isEqualTo("[\"a\",\"7\",null,null,null,null,null,null,null,null]");
        assertThat(cells("{d:'2025-12-31T23:57:00Z'}")).contains("\"3m\"");
        assertThat(CAR.definitions().get(0).path("description").asText()).startsWith("Name must be unique");
        assertThat(CAR.definitions().get(8).path("description").asText())
                .isEqualTo(
                        "Custom resource definition column (in JSONPath format): .spec.c[?(@.type==\"Ready\")].status");
        assertThat(PrinterColumns.of(null).definitions().size()).isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            .a.b|[1]
            {.a.b}|[1]
            $.a['b']|[1]
            .l[*].n|[1,2,3]
            .l[-1].n|[3]
            .l[0:2].n|[1,2]
            .l[::2].n|[1,3]
            .l[0,2].n|[1,3]
            .l[?(@.n>1)].n|[2,3]
            .l[?(@.n!=2)].n|[1,3]
            .l[?(@.t)].n|[2]
            .l[?(@.t == 'x')].n|[2]
            ..n|[1,2,3]
            .a\\.x|[5]
            .missing.deep|[]
            .a.*|[1]
            """)
    void pathsFindValues(String path, String expected) {
        JsonNode tree = Json.of("{a:{b:1},l:[{n:1},{n:2,t:'x'},{n:3}],'a.x':5}");
        assertThat(JsonPath.compile(path.replace("\\\\", "\\"))
                        .find(tree)
                        .toString()
                        .replace(" ", ""))
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {".a[", ".a[?(@.b==)]", ".a[x]", ".a['b]", ".a]b|c", ".a[0:1:0]", ".a[99999999999]"})
    void malformedPathsAreRefused(String path) {
        assertThatThrownBy(() -> JsonPath.compile(path))
                .isInstanceOf(JsonPath.InvalidPathException.class)
                .hasMessageContaining("is invalid at character");
    }

    @Test
    void agesAreKubernetes() {
        assertThat(PrinterColumns.humanDuration(Duration.ofSeconds(119))).isEqualTo("119s");
        assertThat(PrinterColumns.humanDuration(Duration.ofSeconds(150))).isEqualTo("2m30s");
        assertThat(PrinterColumns.humanDuration(Duration.ofHours(49))).isEqualTo("2d1h");
        assertThat(PrinterColumns.humanDuration(Duration.ofDays(800))).isEqualTo("2y70d");
    }
}
