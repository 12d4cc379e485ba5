package dev.coppice.control.member;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.distribution.Distribution;
import dev.coppice.distribution.DistributionOptions;
import dev.coppice.distribution.membership.StaticStrategy;
import dev.coppice.distribution.transport.NoTransport;
import dev.coppice.kernel.Kernel;
import java.net.InetSocketAddress;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class MemberSourceTest {

    @Test
    void showsThisNodeAndWhyOthersAreMissing() throws Exception {
        try (Kernel kernel = Kernel.start()) {
            Distribution distribution = Distribution.start(
                    kernel,
                    kernel.root(),
                    "a",
                    new NoTransport(),
                    new StaticStrategy(Set.of(InetSocketAddress.createUnresolved("b.example", 2380))),
                    DistributionOptions.DEFAULT);
            MemberSource source = new MemberSource(distribution);
            ObjectNode self = source.get("", "a").orElseThrow();
            assertThat(self.at("/status/state").asText()).isEqualTo("self");
            assertThat(self.at("/spec/node").asText()).isEqualTo("a");
            ObjectNode other = source.get("", "address-b.example-2380").orElseThrow();
            assertThat(other.at("/status/state").asText()).isEqualTo("unknown");
            assertThat(other.at("/status/problem").asText()).isEqualTo("this node is alone");
            assertThat(source.list("").entries()).hasSize(2);
        }
    }
}
