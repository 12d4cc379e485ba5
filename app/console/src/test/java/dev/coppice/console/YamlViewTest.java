package dev.coppice.console;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class YamlViewTest {
    private static String yaml(String json) {
        return YamlView.html(SampleResources.tree(json))
                .replaceAll("</?span[^>]*>", "")
                .replace("&quot;", "\"")
                .replace("&lt;", "<");
    }

    @Test
    void mappingsAndSequencesNest() {
        assertThat(yaml("{\"a\":{\"b\":1,\"c\":[{\"d\":true,\"e\":null},[2,3],\"x\"]},\"f\":[],\"g\":{}}"))
                .isEqualTo("""
                        a:
                          b: 1
                          c:
                          - d: true
                            e: null
                          - - 2
                            - 3
                          - x
                        f: []
                        g: {}""");
    }

    @Test
    void textThatWouldMeanSomethingElseIsQuoted() {
        assertThat(
                        yaml(
                                "{\"a\":\"yes\",\"b\":\"1.0\",\"c\":\"\",\"d\":\"x: y\",\"e\":\"#\",\"f\":\"plain-text\",\"g\":\"a:\"}"))
                .isEqualTo("""
                        a: "yes"
                        b: "1.0"
                        c: ""
                        d: "x: y"
                        e: "#"
                        f: plain-text
                        g: "a:\"""");
    }

    @Test
    void linesAreKept() {
        assertThat(yaml("{\"a\":{\"b\":\"one\\n\\n  two\\n\"},\"c\":\"x\\ny\"}"))
                .isEqualTo("""
                        a:
                          b: |
                            one

                              two
                        c: |-
                          x
                          y""");
    }

    @Test
    void markupIsEscaped() {
        assertThat(YamlView.html(SampleResources.tree("{\"<k>\":\"<script>\"}")))
                .doesNotContain("<k>", "<script>");
    }
}
