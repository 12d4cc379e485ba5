package dev.coppice.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.ProtocolException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.AlphaChars;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

class HpackTest {
    private static List<Map.Entry<String, String>> decode(String hex) throws ProtocolException {
        return Hpack.decode(HexFormat.of().parseHex(hex.replace(" ", "")));
    }

    /** RFC 7541, C.6.1, with every dynamic reference left out. */
    @Test
    void readsTheExamplesOfTheRfc() throws Exception {
        assertThat(decode("4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6"
                        + "2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3"))
                .containsExactly(
                        Map.entry(":status", "302"),
                        Map.entry("cache-control", "private"),
                        Map.entry("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
                        Map.entry("location", "https://www.example.com"));
        assertThat(decode("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"))
                .contains(Map.entry(":authority", "www.example.com"), Map.entry(":method", "GET"));
    }

    @Test
    void refusesBrokenBlocks() {
        for (var hex : List.of("c5", "80", "3fe11f", "41", "0085", "0081ff", "7fffffffffff7f", "4083ffffff00")) {
            assertThatThrownBy(() -> decode(hex)).as(hex).isInstanceOf(ProtocolException.class);
        }
    }

    @Property(tries = 100)
    void readsWhatItWrote(@ForAll @Size(max = 20) List<@AlphaChars @StringLength(min = 1, max = 300) String> names)
            throws Exception {
        var headers = names.stream().map(n -> Map.entry(n, n + "/" + n)).toList();
        assertThat(Hpack.decode(Hpack.encode(headers))).isEqualTo(headers);
    }

    @Property(tries = 500)
    void neverFailsOtherwiseThanInWords(@ForAll @Size(max = 60) byte[] block) {
        try {
            Hpack.decode(block);
        } catch (ProtocolException e) {
            assertThat(e).hasMessageNotContaining("null");
        }
    }
}
