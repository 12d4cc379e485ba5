package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.acceptance.gateway.ConformanceCase;
import dev.coppice.acceptance.gateway.ConformanceCases;
import dev.coppice.acceptance.gateway.ConformanceSuite;
import dev.coppice.acceptance.gateway.ResourceApi;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * The conformance tests of the Gateway API, from their data, on one node. What a node says it does not support is skipped, and
 * what of the data is not checked is told; neither is silent.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class GatewayConformanceTest {
    private static final String GATEWAY_CLASS = "coppice";

    /** Two runs beside each other have addresses of their own. */
    private static final String SERVICES = "127." + (96 + Integer.getInteger("coppice.fork", 0)) + ".0.0/16";

    /** Only tests whose names match are run. */
    private static final String ONLY = System.getProperty("gateway.conformance.only", ".*");

    /** Another folder of the same form; empty for the recordings beside the clone. */
    private static final String DATA = System.getProperty("gateway.conformance.data", "");

    private RunningCoppice coppice;
    private ConformanceSuite suite;
    private List<ConformanceCase> cases;
    private Set<String> features;

    @BeforeAll
    void prepare(@TempDir Path folder) throws Exception {
        Path data = DATA.isEmpty() ? Shell.recordings("gateway-api") : Path.of(DATA);
        Shell.need("openssl");
        // Listeners of the tests are at ports 80 and 443.
        Shell.needRoot();
        coppice = RunningCoppice.up(folder.resolve("data"), "--service-cluster-ip-range", SERVICES);
        cases = ConformanceCases.read(data);
        ResourceApi api = new ResourceApi(
                coppice.api(),
                coppice.token(),
                Path.of(coppice.ready().path("certificateAuthority").asText()));
        suite = new ConformanceSuite(api, GATEWAY_CLASS, data, Files.createDirectory(folder.resolve("certificates")));
        features = suite.supportedFeatures();
    }

    @AfterAll
    void stop() throws Exception {
        if (suite != null) {
            System.err.println(suite.report().summary());
            suite.close();
        }
        if (coppice != null) {
            coppice.close();
        }
    }

    @TestFactory
    Stream<DynamicTest> conforms() {
        return cases.stream()
                .filter(test -> test.name().matches(ONLY))
                .map(test -> DynamicTest.dynamicTest(test.name(), () -> conforms(test)));
    }

    private void conforms(ConformanceCase test) throws Exception {
        List<String> missing = test.needs().stream()
                .filter(feature -> !features.contains(feature))
                .toList();
        if (!missing.isEmpty()) {
            suite.report().unsupported(test.name(), missing);
            Shell.skip("NOT SUPPORTED YET: " + test.name() + " " + missing);
        }
        assertThat(suite.run(test)).as(test.name()).isEmpty();
    }
}
