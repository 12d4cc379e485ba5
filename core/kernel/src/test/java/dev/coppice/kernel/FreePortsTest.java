package dev.coppice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.FreePorts.Range;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.ServerSocket;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Which ports tests get. */
final class FreePortsTest {
    @Test
    void theyAreOfNoneThatTheSystemGives() {
        assertThat(Range.outside("32768\t60999\n")).isEqualTo(new Range(10_000, 32_767));
        assertThat(Range.outside("15000 20000")).isEqualTo(new Range(20_001, 65_535));
        assertThat(Range.outside("1024 9999")).isEqualTo(new Range(10_000, 65_535));
        assertThat(Range.outside(null)).isEqualTo(new Range(10_000, 49_151));
        // There are none such.
        assertThat(Range.outside("1024 65535")).isEqualTo(new Range(10_000, 65_535));
    }

    /** Two of them are as two JVMs beside each other. */
    @Test
    void eachIsGivenOnce() {
        Range range = Range.outside("32768 60999");
        FreePorts one = new FreePorts(range);
        FreePorts other = new FreePorts(range);
        Set<Integer> given = new HashSet<>();
        for (int i = 0; i < 250; i++) {
            assertThat(given.add(one.take())).isTrue();
            assertThat(given.add(other.take())).isTrue();
        }
        assertThat(given).allMatch(port -> port >= 10_000 && port < 32_768);
    }

    @Test
    void whatSomebodyHasIsLeftOut() throws IOException {
        int first = inARow(4);
        FreePorts few = new FreePorts(new Range(first, first + 3));
        try (ServerSocket streams = new ServerSocket(first + 1);
                DatagramSocket datagrams = new DatagramSocket(first + 2)) {
            assertThat(streams.isBound() && datagrams.isBound()).isTrue();
            assertThat(few.take()).isEqualTo(first + 3);
            assertThatThrownBy(few::take)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("no port from " + first + " to " + (first + 3) + " is left");
        }
    }

    private static int inARow(int count) {
        int first = FreePorts.next();
        int last = first;
        while (last < first + count - 1) {
            int port = FreePorts.next();
            first = port == last + 1 ? first : port;
            last = port;
        }
        return first;
    }
}
