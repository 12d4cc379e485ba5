package dev.coppice.gateway.content;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.ContentConfig.Encoding;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.Chars;
import net.jqwik.api.constraints.StringLength;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AcceptEncodingTest {
    private static final List<Encoding> BOTH = List.of(Encoding.ZSTD, Encoding.GZIP);

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "-",
            value = {
                "-                              | -",
                "''                             | -",
                "gzip                           | GZIP",
                "GZip                           | GZIP",
                "x-gzip                         | GZIP",
                "gzip, zstd                     | ZSTD",
                "gzip;q=1.0, zstd;q=0.999       | GZIP",
                "gzip ; Q=0.4 , zstd ; q=0.3    | GZIP",
                "*                              | ZSTD",
                "*;q=0                          | -",
                "zstd;q=0, *                    | GZIP",
                "gzip;q=0, zstd;q=0, *          | -",
                "identity                       | -",
                "identity;q=0.5, gzip;q=0.5     | GZIP",
                "identity, gzip;q=0.9           | -",
                "identity;q=0, gzip;q=0.001     | GZIP",
                "gzip;q=2                       | -",
                "gzip;q=0.5555                  | -",
                "gzip;q=-1                      | -",
                "gzip;level=5                   | GZIP",
                "br, deflate                    | -",
                ", ,gzip,                       | GZIP"
            })
    void choosesWhatTheClientLikesBest(@Nullable String header, @Nullable Encoding expected) {
        assertThat(AcceptEncoding.choose(header, BOTH)).isEqualTo(expected);
    }

    @Property
    void neverThrows(
            @ForAll
                    @StringLength(max = 60)
                    @Chars({'g', 'z', 'i', 'p', 'q', '*', ';', ',', '=', '.', ' '})
                    @CharRange(from = '0', to = '9')
                    String header) {
        Encoding _ = AcceptEncoding.choose(header, BOTH);
    }

    @Property
    void whatIsTooLongIsNotRead(
            @ForAll @StringLength(min = 1_025, max = 1_100) @CharRange(from = 'a', to = 'z') String header) {
        assertThat(AcceptEncoding.choose("gzip," + header, BOTH)).isNull();
    }
}
