package dev.coppice.acceptance.gateway;

import dev.coppice.acceptance.gateway.ExchangeRunner.Target;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.util.List;

/** Steps by hand of tests with certificates of clients, which the rows do not name. */
final class ClientCertificateSteps {
    private static final String INFRA = "gateway-conformance-infra/";
    private static final String DEFAULT = INFRA + "tls-validity-checks-client-certificate";
    private static final String PER_PORT = INFRA + "tls-validity-checks-per-port-client-certificate";
    private static final String NONE = "";

    private ClientCertificateSteps() {}

    private static Exchange row(CaseRun run, int number) {
        return run.test().exchanges().get(number - 1);
    }

    /** Each listener takes the certificates of its own authority only. */
    static void validated(CaseRun run) throws IOException, InterruptedException, GeneralSecurityException {
        run.claims(_ -> true);
        String gateway = INFRA + "client-validation-default";
        run.exchange(row(run, 1), run.target(gateway, "https", DEFAULT));
        run.exchange(row(run, 2), run.target(gateway, "https", PER_PORT));
        run.exchange(row(run, 2), run.target(gateway, "https", NONE));
        run.exchange(row(run, 3), run.target(gateway, "https-with-hostname", PER_PORT));
        run.exchange(row(run, 4), run.target(gateway, "https-with-hostname", DEFAULT));
        run.exchange(row(run, 4), run.target(gateway, "https-with-hostname", NONE));
    }

    /** Any certificate is good, and none, too. */
    static void insecureFallback(CaseRun run) throws IOException, InterruptedException, GeneralSecurityException {
        run.claims(_ -> true);
        String gateway = INFRA + "client-validation-insecure-fallback";
        List<String> listeners = run.listeners(gateway).stream()
                .map(listener -> listener.path("name").asText())
                .toList();
        for (int i = 0; i < listeners.size(); i++) {
            for (String secret : List.of(DEFAULT, PER_PORT, NONE)) {
                run.exchange(row(run, i + 1), run.target(gateway, listeners.get(i), secret));
            }
        }
    }

    static void invalidDefault(CaseRun run) throws IOException, InterruptedException, GeneralSecurityException {
        run.claims(_ -> true);
        String gateway = INFRA + "invalid-default-client-validation-config";
        run.exchange(row(run, 1), run.target(gateway, "http"));
        Target https = run.target(gateway, "https", PER_PORT);
        run.exchange(row(run, 2), https);
    }
}
