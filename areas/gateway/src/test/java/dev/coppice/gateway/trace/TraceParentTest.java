package dev.coppice.gateway.trace;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Reading and writing of {@code traceparent} and {@code tracestate} (W3C Trace Context). */
class TraceParentTest {
    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
    private static final String SPAN = "b7ad6b7169203331";

    @Test
    void whatIsReadIsWrittenAgain() {
        TraceParent read = TraceParent.parse("00-" + TRACE + "-" + SPAN + "-01");
        assertThat(read).isNotNull();
        assertThat(read.traceId()).isEqualTo(TRACE);
        assertThat(read.spanId()).isEqualTo(SPAN);
        assertThat(read.sampled()).isTrue();
        assertThat(read.random()).isFalse();
        assertThat(read.header()).isEqualTo("00-" + TRACE + "-" + SPAN + "-01");
        assertThat(read.from(0x1FL).sampled(false).header()).isEqualTo("00-" + TRACE + "-000000000000001f-00");
    }

    @Test
    void ofVersionsToComeTheKnownPartIsRead() {
        String known = "-" + TRACE + "-" + SPAN + "-";
        assertThat(TraceParent.parse("cc" + known + "01-what-comes-then")).isNotNull();
        TraceParent read = TraceParent.parse("01" + known + "ff");
        assertThat(read).isNotNull();
        assertThat(read.header()).as("unknown flags are not passed on").isEqualTo("00" + known + "03");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "00",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.",
                "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.what",
                "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                "00-0af7651916cd43dd8448eb211c80319c-B7AD6B7169203331-01",
                "0x-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
                " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            })
    void whatIsNotValidIsNotRead(String header) {
        assertThat(TraceParent.parse(header)).isNull();
    }

    @Test
    void anythingIsReadOrNot() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        String good = "00-" + TRACE + "-" + SPAN + "-01";
        for (int i = 0; i < 20_000; i++) {
            StringBuilder text = new StringBuilder(good);
            for (int k = random.nextInt(4); k >= 0; k--) {
                text.setCharAt(random.nextInt(text.length()), (char) random.nextInt(0x180));
            }
            text.setLength(random.nextInt(3) == 0 ? random.nextInt(text.length()) : text.length());
            TraceParent read = TraceParent.parse(text);
            if (read != null) {
                assertThat(TraceParent.parse(read.header()))
                        .as("seed %d: %s", seed, text)
                        .isEqualTo(read);
            }
        }
    }

    @Test
    void statesAreListsOfMembers() {
        assertThat(TraceState.valid("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")).isTrue();
        assertThat(TraceState.valid("tenant@vendor=1 , ,b*/-_=x y")).isTrue();
        assertThat(TraceState.valid("")).isFalse();
        assertThat(TraceState.valid("novalue")).isFalse();
        assertThat(TraceState.valid("UPPER=1")).isFalse();
        assertThat(TraceState.valid("a=b=c")).isFalse();
        assertThat(TraceState.valid("a=" + "x".repeat(257))).isFalse();
        assertThat(TraceState.valid("a=\u00e9")).isFalse();
        assertThat(TraceState.valid(String.join(",", java.util.Collections.nCopies(33, "a=1"))))
                .isFalse();
        assertThat(TraceState.valid("a=" + "1,a=".repeat(5000) + "1")).isFalse();
    }

    @Test
    void aShareIsTakenByTheRandomPartOfTheTrace() {
        Sampler tenth = new Sampler(1, 10, false);
        Random random = new Random(7);
        int taken = 0;
        for (int i = 0; i < 20_000; i++) {
            TraceParent trace = new TraceParent(1, random.nextLong(), 1, TraceParent.RANDOM);
            boolean takes = tenth.takes(trace, random.nextLong());
            assertThat(takes)
                    .as("whoever takes a larger share takes it, too")
                    .isIn(false, new Sampler(1, 5, false).takes(trace, 0));
            taken += takes ? 1 : 0;
        }
        assertThat(taken).isBetween(1800, 2200);
        TraceParent notRandom = new TraceParent(1, -1, 1, 0);
        assertThat(tenth.takes(notRandom, 0)).isFalse();
        assertThat(tenth.takes(notRandom, -1)).isTrue();
        assertThat(new Sampler(0, 1, false).takes(null, -1)).isFalse();
        assertThat(new Sampler(1, 1, false).takes(null, 0)).isTrue();
        assertThat(new Sampler(0, 1, true).decided(new TraceContext(notRandom, false, false, "")))
                .isTrue();
        assertThat(new Sampler(0, 1, true).decided(TraceContext.NONE)).isFalse();
        assertThat(new Sampler(0, 1, true).decided(new TraceContext(notRandom, null, false, "")))
                .isFalse();
    }

    @Test
    void whatSignsAUrlIsTakenOut() {
        assertThat(UrlQuery.redacted("/a")).isEqualTo("/a");
        assertThat(UrlQuery.redacted("/a?b=c")).isEqualTo("/a?b=c");
        assertThat(UrlQuery.redacted("http://h/a?sig=x&b=&Signature=&X-Goog-Signature=y=z&sig"))
                .isEqualTo("http://h/a?sig=REDACTED&b=&Signature=REDACTED&X-Goog-Signature=REDACTED&sig");
    }
}
