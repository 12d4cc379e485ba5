package dev.coppice.gateway.trace;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Zipkin's headers. */
class B3Test {
    private static final String TRACE = "80f198ee56343ba864fe8b2a57d3eff7";
    private static final String SHORT = "64fe8b2a57d3eff7";
    private static final String SPAN = "e457b5a2e4d86bd1";

    private static String told(@Nullable TraceContext context) {
        if (context == null) {
            return "nothing";
        }
        TraceParent parent = context.parent();
        return (parent == null ? "" : B3.traceId(parent) + " " + parent.spanId() + " ")
                + context.decided()
                + (context.debug() ? " debug" : "");
    }

    /** As the specification has them. */
    @Test
    void oneHeaderIsRead() {
        assertThat(told(B3.single(TRACE + "-" + SPAN + "-1-05e3ac9a4f6e3b90"))).isEqualTo(TRACE + " " + SPAN + " true");
        assertThat(told(B3.single(TRACE + "-" + SPAN + "-0"))).isEqualTo(TRACE + " " + SPAN + " false");
        assertThat(told(B3.single(TRACE + "-" + SPAN + "-d"))).isEqualTo(TRACE + " " + SPAN + " true debug");
        assertThat(told(B3.single(TRACE + "-" + SPAN))).isEqualTo(TRACE + " " + SPAN + " null");
        assertThat(told(B3.single(SHORT + "-" + SPAN + "-1"))).isEqualTo(SHORT + " " + SPAN + " true");
        assertThat(told(B3.single("0"))).isEqualTo("false");
        assertThat(told(B3.single("d"))).isEqualTo("true debug");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "2",
                "-",
                "80f198ee56343ba864fe8b2a57d3eff7",
                "80f198ee56343ba864fe8b2a57d3eff7-",
                "80F198EE56343BA864FE8B2A57D3EFF7-e457b5a2e4d86bd1-1",
                "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-x",
                "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-",
                "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90-1",
                "80f198ee56343ba864fe8b2a57d3eff7-0000000000000000-1",
                "00000000000000000000000000000000-e457b5a2e4d86bd1-1",
                "0000000000000000-e457b5a2e4d86bd1-1",
                "198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1"
            })
    void whatIsNotValidSaysNothing(String header) {
        assertThat(B3.single(header)).isNull();
    }

    @Test
    void severalHeadersAreRead() {
        assertThat(told(B3.multiple(TRACE, SPAN, "1", null))).isEqualTo(TRACE + " " + SPAN + " true");
        assertThat(told(B3.multiple(TRACE, SPAN, "false", null))).isEqualTo(TRACE + " " + SPAN + " false");
        assertThat(told(B3.multiple(SHORT, SPAN, null, null))).isEqualTo(SHORT + " " + SPAN + " null");
        assertThat(told(B3.multiple(TRACE, SPAN, "0", "1"))).isEqualTo(TRACE + " " + SPAN + " true debug");
        assertThat(told(B3.multiple(null, null, "0", null))).isEqualTo("false");
        assertThat(told(B3.multiple(null, null, null, "1"))).isEqualTo("true debug");
        assertThat(told(B3.multiple(null, null, null, null))).isEqualTo("nothing");
        assertThat(told(B3.multiple(TRACE, null, "1", null))).isEqualTo("nothing");
        assertThat(told(B3.multiple(TRACE, "x", "1", "1"))).isEqualTo("nothing");
        assertThat(told(B3.multiple(TRACE, SPAN, "yes", null))).isEqualTo("nothing");
    }

    @Test
    void whatIsWrittenIsRead() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 1000; i++) {
            TraceParent parent = new TraceParent(
                    i % 3 == 0 ? 0 : random.nextLong(), random.nextLong() | 1, random.nextLong() | 1, i % 2);
            boolean debug = i % 2 == 1 && i % 5 == 0;
            assertThat(B3.single(B3.single(parent, debug)))
                    .as("seed %s", seed)
                    .isEqualTo(new TraceContext(parent, parent.sampled(), debug, ""));
        }
    }

    @Test
    void nothingThatComesMakesItFail() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            StringBuilder text = new StringBuilder();
            int length = random.nextInt(80);
            for (int k = 0; k < length; k++) {
                text.append("0123456789abcdefg-d\u00e9".charAt(random.nextInt(20)));
            }
            TraceContext read = B3.single(text.toString());
            if (read != null && read.parent() != null) {
                assertThat(read.parent().span()).as("seed %s: %s", seed, text).isNotZero();
            }
        }
    }
}
