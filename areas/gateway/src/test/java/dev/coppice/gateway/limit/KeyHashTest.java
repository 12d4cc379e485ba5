package dev.coppice.gateway.limit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class KeyHashTest {
    private static long hash(KeyHash hash, String... parts) {
        hash.begin();
        for (String part : parts) {
            hash.add(part);
        }
        return hash.end();
    }

    @Test
    void partsAreNotRunTogether() {
        KeyHash hash = new KeyHash(1, 2);
        Set<Long> all = new HashSet<>();
        String[][] keys = {
            {"", ""},
            {"a", ""},
            {"", "a"},
            {"ab", "c"},
            {"a", "bc"},
            {"abcd", ""},
            {"", "abcd"},
            {"abc\u0004", ""},
            {"abc", "\u0004"},
            {"abcdefgh", "i"},
            {"abcd", "efghi"},
            {"é", ""},
            {"\u0100", ""},
            {"\u0000", ""}
        };
        for (String[] key : keys) {
            all.add(hash(hash, key));
        }
        assertThat(all).hasSize(keys.length);
        assertThat(hash(hash, "ab", "c")).isEqualTo(hash(new KeyHash(1, 2), "ab", "c"));
    }

    @Test
    void anotherSecretGivesOtherHashes() {
        assertThat(hash(new KeyHash(1, 2), "a")).isNotEqualTo(hash(new KeyHash(1, 3), "a"));
        assertThat(hash(new KeyHash(1, 2), "a")).isNotEqualTo(hash(new KeyHash(3, 2), "a"));
    }

    @Test
    void likeKeysSpreadEvenly() {
        KeyHash hash = new KeyHash(0x0123456789ABCDEFL, 42);
        int[] low = new int[256];
        int[] high = new int[256];
        for (int i = 0; i < 256 * 1000; i++) {
            long value = hash(hash, "user-" + i);
            low[(int) value & 255]++;
            high[(int) (value >>> 56)]++;
        }
        // 1,000 are expected in each; six standard deviations are 190.
        assertThat(java.util.Arrays.stream(low)).allMatch(each -> each > 800 && each < 1200);
        assertThat(java.util.Arrays.stream(high)).allMatch(each -> each > 800 && each < 1200);
    }
}
