package dev.coppice.control.request;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NamesTest {

    @ParameterizedTest
    @ValueSource(strings = {"a", "a.b", "a-b.c0", "0"})
    void takesSubdomains(String name) {
        assertThat(Names.subdomain(name)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "A", "a_b", "-a", "a-", "a..b", ".a"})
    void refusesOtherNames(String name) {
        assertThat(Names.subdomain(name)).isNotEmpty();
    }

    @Test
    void boundsLengths() {
        assertThat(Names.subdomain("a".repeat(253))).isEmpty();
        assertThat(Names.subdomain("a".repeat(254))).isNotEmpty();
        assertThat(Names.label("a".repeat(64))).isNotEmpty();
        assertThat(Names.labelValue("a".repeat(64))).isNotEmpty();
        assertThat(Names.labelValue("")).isEmpty();
    }

    @Test
    void takesQualifiedNamesWithPrefix() {
        assertThat(Names.qualifiedName("example.com/My_name.1")).isEmpty();
        assertThat(Names.qualifiedName("/x")).isNotEmpty();
        assertThat(Names.qualifiedName("a/b/c")).isNotEmpty();
        assertThat(Names.qualifiedName("bad key!")).isNotEmpty();
    }

    @Test
    void aTypeOfAUserMayHaveFinalizersWithoutADomain() {
        var object = Json.parse("{\"metadata\":{\"name\":\"a\",\"finalizers\":[\"plain.example.com\"]}}");
        assertThat(Names.metadata(object, Names.Rule.SUBDOMAIN, false)).isEmpty();
        assertThat(Names.metadata(object, Names.Rule.SUBDOMAIN, true)).hasSize(1);
    }

    @Test
    void tellsAllThatIsWrongWithMetadata() {
        var causes = Names.metadata(
                Json.parse("{\"metadata\":{\"name\":\"BAD_\",\"labels\":{\"x y\":\"v\",\"a\":\"not a value\"},"
                        + "\"finalizers\":[\"plain\"],\"ownerReferences\":[{\"kind\":\"\"}]}}"),
                Names.Rule.SUBDOMAIN,
                true);
        assertThat(causes)
                .extracting(c -> c.field())
                .contains(
                        "metadata.name",
                        "metadata.labels",
                        "metadata.finalizers[0]",
                        "metadata.ownerReferences.kind",
                        "metadata.ownerReferences.uid");
    }

    @Test
    void aPrefixMayEndWithADash() {
        assertThat(Names.Rule.SUBDOMAIN.check("gen-", true)).isEmpty();
        assertThat(Names.Rule.SUBDOMAIN.check("gen-", false)).isNotEmpty();
    }
}
