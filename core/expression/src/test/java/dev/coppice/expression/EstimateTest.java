package dev.coppice.expression;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class EstimateTest {
    @Test
    void arithmeticStopsAtTheLargestNumber() {
        assertThat(Estimate.sum(1, 2)).isEqualTo(3);
        assertThat(Estimate.sum(Estimate.UNLIMITED, 1)).isEqualTo(Estimate.UNLIMITED);
        assertThat(Estimate.sum(Long.MAX_VALUE, Long.MAX_VALUE)).isEqualTo(-2L);
        assertThat(Estimate.product(3, 4)).isEqualTo(12);
        assertThat(Estimate.product(1L << 32, 1L << 32)).isEqualTo(Estimate.UNLIMITED);
        assertThat(Estimate.product(Estimate.UNLIMITED, 0)).isZero();
        assertThat(Estimate.UNKNOWN.plus(Estimate.ONE)).isEqualTo(new Estimate(1, Estimate.UNLIMITED));
    }

    @Test
    void factorsRoundUp() {
        assertThat(new Estimate(1, 21).times(0.1)).isEqualTo(new Estimate(1, 3));
        assertThat(Estimate.upTo(1000).times(0.25)).isEqualTo(Estimate.upTo(250));
        assertThat(Estimate.UNKNOWN.times(2.0)).isEqualTo(Estimate.UNKNOWN);
        // What a tenth of the largest number is as Kubernetes' own tests have it (celcoststability_test.go).
        assertThat(Estimate.UNKNOWN.times(0.1).max()).isEqualTo(1_844_674_407_370_955_264L);
        assertThat(Long.toUnsignedString(Estimate.UNKNOWN.times(0.75).max())).isEqualTo("13835058055282163712");
    }

    @Test
    void rangesUnite() {
        assertThat(new Estimate(2, 3).or(new Estimate(1, Estimate.UNLIMITED)))
                .isEqualTo(new Estimate(1, Estimate.UNLIMITED));
    }
}
