package dev.coppice.control.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.control.ApiException;
import dev.coppice.control.access.RequestLimits.Permit;
import dev.coppice.serving.Identity;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RequestLimitsTest {
    private final RequestLimits limits = new RequestLimits(new PrometheusRegistry(), 12);

    private static Identity user(String name, String... groups) {
        return new Identity(name, "", List.of(groups), Map.of());
    }

    private List<Permit> enter(Identity user, int times) {
        List<Permit> permits = new ArrayList<>();
        for (int i = 0; i < times; i++) {
            permits.add(limits.enter(user));
        }
        return permits;
    }

    @Test
    void aFloodingUserLeavesHalfToOthers() {
        enter(user("flood"), 6);
        assertThatThrownBy(() -> limits.enter(user("flood"))).isInstanceOfSatisfying(ApiException.class, e -> {
            assertThat(e.code()).isEqualTo(429);
            assertThat(e.status().path("details").path("retryAfterSeconds").asInt())
                    .isEqualTo(1);
            assertThat(e.getMessage()).contains("6 requests of \"flood\"");
        });
        assertThat(enter(user("calm"), 6)).hasSize(6);
        assertThatThrownBy(() -> limits.enter(user("late"))).hasMessageContaining("12 requests are under way");
    }

    @Test
    void sharesGetSmallerWithMoreUsersAndLargerAgain() {
        List<Permit> a = enter(user("a"), 3);
        List<Permit> b = enter(user("b"), 3);
        enter(user("c"), 4);
        assertThatThrownBy(() -> limits.enter(user("c"))).hasMessageContaining("between 3 users");
        a.forEach(Permit::close);
        b.forEach(Permit::close);
        assertThat(enter(user("c"), 2)).hasSize(2);
    }

    @Test
    void administratorsAreNotCounted() {
        assertThat(enter(user("admin", "system:masters"), 100)).hasSize(100);
        assertThat(enter(user("other"), 6)).hasSize(6);
    }
}
