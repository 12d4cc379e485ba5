package dev.coppice.control.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ProcessNamesTest {

    @Test
    void ordinaryPathsReadAsTheyAre() {
        assertThat(ProcessNames.name("/control/watch-feed")).isEqualTo("control.watch-feed");
        assertThat(ProcessNames.name("/store")).isEqualTo("store");
    }

    @Test
    void whatNamesCannotHoldIsEscaped() {
        assertThat(ProcessNames.name("/pool/#17")).isEqualTo("pool.z2317");
        assertThat(ProcessNames.name("/Zones/size.1")).isEqualTo("z5aones.sizze1".replace("sizze1", "sizzez2e1"));
        assertThat(ProcessNames.name("/-a-/b")).isEqualTo("z2daz2d.b");
        assertThat(ProcessNames.name("/grün")).isEqualTo("grzc3zbcn");
    }

    @Test
    void everyPathHasItsOwnNameAndComesBack() {
        long seed = 8_154;
        Random random = new Random(seed);
        String letters = "az09-./Z# ü_";
        Set<String> names = new HashSet<>();
        Set<String> paths = new HashSet<>();
        for (int i = 0; i < 20_000; i++) {
            StringBuilder path = new StringBuilder("/");
            int length = 1 + random.nextInt(6);
            for (int k = 0; k < length; k++) {
                path.append(letters.charAt(random.nextInt(letters.length())));
            }
            String name = ProcessNames.name(path.toString());
            assertThat(ProcessNames.path(name)).as("seed " + seed).contains(path.toString());
            assertThat(name).matches("[a-z0-9.-]*");
            paths.add(path.toString());
            names.add(name);
        }
        assertThat(names).as("seed " + seed).hasSameSizeAs(paths);
    }

    @Test
    void otherNamesNameNothing() {
        for (String name : List.of("z", "az", "z9", "zroot", "A", "a_b", "ü", "z61", "-a", "z2")) {
            assertThat(ProcessNames.path(name)).as(name).isEmpty();
        }
    }
}
