package dev.coppice.control.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.resource.BuiltInSchemas;
import dev.coppice.control.resource.BuiltIns;
import dev.coppice.control.resource.Definition;
import dev.coppice.kernel.Kernel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class WebhookClientTest {

    @TempDir
    Path directory;

    @Test
    @Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void aWebhookThatDoesNotReadEndsWithItsTimeoutAndHoldsUpNoTimer() throws Exception {
        CountDownLatch end = new CountDownLatch(1);
        try (Kernel kernel = Kernel.start();
                WebhookServer hooks = new WebhookServer(kernel, directory, "127.0.0.1")) {
            hooks.raw("/deaf", exchange -> {
                var _ = end.await(5, TimeUnit.MINUTES);
            });
            Map<String, Definition> definitions = new BuiltIns(BuiltInSchemas::of, (prefix, namespaced) -> {
                        throw new AssertionError("the address is no service");
                    })
                    .definitions().stream()
                            .collect(Collectors.toMap(Definition::plural, Function.identity(), (a, _) -> a));
            WebhookClient client =
                    new WebhookClient(kernel, definitions.get("services"), definitions.get("endpointslices"));
            JsonNode config = Json.mapper().readTree(hooks.clientConfig("/deaf"));
            ObjectNode large = Json.object().put("padding", "x".repeat(15 << 20));
            assertThatThrownBy(() -> client.call("admission", config, large, 1))
                    .isInstanceOf(WebhookException.class)
                    .hasMessageContaining("no answer within 1 s");
            CountDownLatch fired = new CountDownLatch(1);
            var _ = kernel.timers().schedule(Duration.ofMillis(1), fired::countDown);
            assertThat(fired.await(10, TimeUnit.SECONDS)).isTrue();
            end.countDown();
        }
    }
}
