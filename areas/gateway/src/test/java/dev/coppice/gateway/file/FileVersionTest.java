package dev.coppice.gateway.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.file.FileVersion.Wanted;
import java.util.HashMap;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What requests want of a file. */
class FileVersionTest {
    private static final String DATE = "Tue, 14 Nov 2023 22:13:20 GMT";
    private static final String EARLIER = "Tue, 14 Nov 2023 22:13:19 GMT";
    private static final FileVersion FILE = new FileVersion("\"v1\"", 1_700_000_000, 100);

    private static Wanted wanted(String... headers) {
        Map<String, String> all = new HashMap<>();
        for (int i = 0; i < headers.length; i += 2) {
            all.put(headers[i], headers[i + 1]);
        }
        return FILE.wanted(all::get);
    }

    @Test
    void theDateIsWrittenAsHttpDoes() {
        assertThat(FILE.modified()).isEqualTo(DATE);
        assertThat(new FileVersion("\"a\"", 0, 1).modified()).isEqualTo("Thu, 01 Jan 1970 00:00:00 GMT");
        assertThat(new FileVersion("\"a\"", -1, 1).modified()).isNull();
    }

    @Test
    void whatIsKnownIsNotSentAgain() {
        assertThat(wanted()).isEqualTo(new Wanted.Whole());
        assertThat(wanted("if-none-match", "\"v1\"")).isEqualTo(new Wanted.Known());
        assertThat(wanted("if-none-match", "\"v0\", W/\"v1\"")).isEqualTo(new Wanted.Known());
        assertThat(wanted("if-none-match", "*")).isEqualTo(new Wanted.Known());
        assertThat(wanted("if-none-match", "\"v0\"", "if-modified-since", DATE)).isEqualTo(new Wanted.Whole());
        assertThat(wanted("if-modified-since", DATE)).isEqualTo(new Wanted.Known());
        assertThat(wanted("if-modified-since", EARLIER)).isEqualTo(new Wanted.Whole());
        assertThat(wanted("if-modified-since", "yesterday")).isEqualTo(new Wanted.Whole());
    }

    @Test
    void whatIsAnotherIsNotSent() {
        assertThat(wanted("if-match", "\"v1\"")).isEqualTo(new Wanted.Whole());
        assertThat(wanted("if-match", "*")).isEqualTo(new Wanted.Whole());
        assertThat(wanted("if-match", "W/\"v1\"")).isEqualTo(new Wanted.Another());
        assertThat(wanted("if-match", "\"v0\"", "if-unmodified-since", DATE)).isEqualTo(new Wanted.Another());
        assertThat(wanted("if-unmodified-since", EARLIER)).isEqualTo(new Wanted.Another());
        assertThat(wanted("if-unmodified-since", DATE)).isEqualTo(new Wanted.Whole());
        assertThat(wanted("if-match", "\"v1\"", "if-none-match", "\"v1\"")).isEqualTo(new Wanted.Known());
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            value = {
                "bytes=0-0, 0, 0",
                "bytes=10-19, 10, 19",
                "bytes=90-, 90, 99",
                "bytes=90-1000, 90, 99",
                "bytes=-10, 90, 99",
                "bytes=-1000, 0, 99",
                "bytes=99-99, 99, 99"
            })
    void partsAreSent(String range, long from, long to) {
        assertThat(wanted("range", range)).isEqualTo(new Wanted.Part(from, to));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"bytes=100-", "bytes=100-200", "bytes=-0"})
    void partsThatAreNotThereAreRefused(String range) {
        assertThat(wanted("range", range)).isEqualTo(new Wanted.NoSuchPart());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "lines=0-1",
                "bytes=0-1,3-4",
                "bytes=5-4",
                "bytes=a-b",
                "bytes=-",
                "bytes=",
                "bytes=5",
                "bytes=--5",
                "bytes=1-2-3",
                "bytes=99999999999999999999-"
            })
    void whatCannotBeReadIsIgnored(String range) {
        assertThat(wanted("range", range)).isEqualTo(new Wanted.Whole());
    }

    @Test
    void partsOfAnotherStateAreNotAddedToThisOne() {
        assertThat(wanted("range", "bytes=1-2", "if-range", "\"v1\"")).isEqualTo(new Wanted.Part(1, 2));
        assertThat(wanted("range", "bytes=1-2", "if-range", "\"v0\"")).isEqualTo(new Wanted.Whole());
        assertThat(wanted("range", "bytes=1-2", "if-range", "W/\"v1\"")).isEqualTo(new Wanted.Whole());
        assertThat(wanted("range", "bytes=1-2", "if-range", DATE)).isEqualTo(new Wanted.Part(1, 2));
        assertThat(wanted("range", "bytes=1-2", "if-range", EARLIER)).isEqualTo(new Wanted.Whole());
    }

    @Property(tries = 1000)
    void partsLieWithin(@ForAll String text, @ForAll @IntRange(max = 50) int size) {
        FileVersion file = new FileVersion("\"v\"", -1, size);
        for (String range : new String[] {text, "bytes=" + text, "bytes=" + text.length() + "-" + text.hashCode()}) {
            if (file.wanted(name -> name.equals("range") ? range : null) instanceof Wanted.Part part) {
                assertThat(part.from()).isBetween(0L, part.to());
                assertThat(part.to()).isLessThan(size);
            }
        }
    }
}
