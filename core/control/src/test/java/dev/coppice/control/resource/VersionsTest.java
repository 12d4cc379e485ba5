package dev.coppice.control.resource;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VersionsTest {

    @Test
    void ordersAsKubernetesDoes() {
        List<String> all = new ArrayList<>(
                List.of("foo1", "v1alpha1", "v10", "v1beta1", "v11beta2", "v2", "foo10", "v3beta1", "v1"));
        all.sort(Versions.BEST_FIRST);
        assertThat(all)
                .containsExactly("v10", "v2", "v1", "v11beta2", "v3beta1", "v1beta1", "v1alpha1", "foo1", "foo10");
    }

    @ParameterizedTest
    @CsvSource({
        "0,0s",
        "119,119s",
        "120,2m",
        "125,2m5s",
        "599,9m59s",
        "600,10m",
        "10799,179m",
        "10800,3h",
        "11100,3h5m",
        "28800,8h",
        "172800,2d",
        "180000,2d2h",
        "691200,8d",
        "63072000,2y"
    })
    void showsAgesAsKubectlDoes(long seconds, String expected) {
        assertThat(Columns.human(Duration.ofSeconds(seconds))).isEqualTo(expected);
    }
}
