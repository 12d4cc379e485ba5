package dev.coppice.control.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.control.ApiException;
import org.junit.jupiter.api.Test;

class MediaTypeTest {

    @Test
    void choosesWhatIsLikedBest() {
        assertThat(MediaType.of("").yaml()).isFalse();
        assertThat(MediaType.of("application/yaml").yaml()).isTrue();
        assertThat(MediaType.of("application/vnd.kubernetes.protobuf,application/json")
                        .yaml())
                .isFalse();
        assertThat(MediaType.of("application/json;q=0.1, application/yaml").yaml())
                .isTrue();
        assertThat(MediaType.of("application/json;as=Table;v=v1;g=meta.k8s.io,application/json")
                        .shape())
                .isEqualTo(MediaType.Shape.TABLE);
        assertThat(MediaType.of("application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")
                        .shape())
                .isEqualTo(MediaType.Shape.PARTIAL);
        assertThat(MediaType.of("application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json")
                        .shape())
                .isEqualTo(MediaType.Shape.OBJECT);
    }

    @Test
    void refusesWhatItCannotWrite() {
        for (String accept : new String[] {"text/csv", "application/json;as=Table;v=v2;g=meta.k8s.io"}) {
            assertThatThrownBy(() -> MediaType.of(accept))
                    .isInstanceOfSatisfying(
                            ApiException.class, e -> assertThat(e.code()).isEqualTo(406));
        }
    }

    @Test
    void knowsAggregatedDiscovery() {
        assertThat(MediaType.aggregatedDiscovery(Discovery.AGGREGATED_TYPE + ",application/json"))
                .isTrue();
        assertThat(MediaType.aggregatedDiscovery("application/json")).isFalse();
    }
}
