package dev.coppice.gateway.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AddressRangeTest {

    @Test
    void hasAllAddressesButTheFirstAndTheLast() {
        AddressRange range = AddressRange.parse("127.96.0.0/16");
        assertThat(range.size()).isEqualTo(65_534);
        assertThat(range.address(0)).isEqualTo("127.96.0.1");
        assertThat(range.address(65_533)).isEqualTo("127.96.255.254");
        assertThat(range.index("127.96.1.0")).isEqualTo(255);
        assertThat(range.index("127.96.0.0")).isEqualTo(-1);
        assertThat(range.index("127.96.255.255")).isEqualTo(-1);
        assertThat(range.contains("127.96.255.255")).isTrue();
        assertThat(range.contains("127.97.0.1")).isFalse();
        assertThat(range).hasToString("127.96.0.0/16");
    }

    @Test
    void textsThatAreNoAddressesAreInNoRange() {
        AddressRange range = AddressRange.parse("127.96.0.0/16");
        for (String each : new String[] {"", "None", "127.96.1", "127.96.0.01", "::1", "::ffff:127.96.0.1", "a.b"}) {
            assertThat(range.index(each)).as(each).isEqualTo(-1);
            assertThat(range.contains(each)).as(each).isFalse();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "127.96.0.0,expected a range of IPv4 addresses",
        "127.96.0.0/,expected a range of IPv4 addresses",
        "127.96.0.0/x,expected a range of IPv4 addresses",
        "127.96.0.0/-1,expected a range of IPv4 addresses",
        "nonsense/16,expected a range of IPv4 addresses",
        "fd00::/112,expected a range of IPv4 addresses",
        "127.96.0.0/8,expected a range of /12 to /30",
        "127.96.0.0/31,expected a range of /12 to /30",
        "127.96.0.0/99,expected a range of /12 to /30",
        "10.96.0.0/16,expected a range of loopback addresses",
        "127.96.1.0/16,expected 127.96.0.0/16",
    })
    void saysWhatIsWrongAndWhatIsExpected(String text, String expected) {
        assertThat(AddressRange.problem(text))
                .hasValueSatisfying(problem -> assertThat(problem).contains("\"" + text + "\"", expected));
    }
}
