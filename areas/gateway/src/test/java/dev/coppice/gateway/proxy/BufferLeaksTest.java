package dev.coppice.gateway.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.PooledByteBufAllocator;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The other tests of the data plane rely on leaks being found. */
class BufferLeaksTest {

    @Test
    void aBufferThatNobodyReleasesIsFound() {
        List<String> found = new ArrayList<>();
        for (int i = 0; i < 100 && found.isEmpty(); i++) {
            PooledByteBufAllocator.DEFAULT.directBuffer(16).writeInt(i);
            found.addAll(BufferLeaks.found());
        }
        assertThat(found).isNotEmpty();
        // What was lost since is not for the next test.
        for (int i = 0; i < 10; i++) {
            BufferLeaks.found();
        }
    }
}
