package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.FreePorts;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example of {@code docs/gateway/access.md} with people who log in, on three real nodes: a session that its issuer ended at one has ended at all. */
final class EndedSessionsTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String FIRST = "127.0.0.31";
    private static final String SECOND = "127.0.0.32";
    private static final String THIRD = "127.0.0.33";
    private static final String HELLO = "hello alice@shop.example of staff";

    @TempDir
    private Path folder;

    private GatewayNodes cluster;
    private WorkedExample example;
    private String issuer;

    @AfterEach
    void stop() throws Exception {
        if (example != null) {
            String _ = example.sh("kill $(cat who.pid idp.pid 2>/dev/null) || true");
        }
        if (cluster != null) {
            cluster.close();
        }
    }

    private static String replaced(String text, String what, String by) {
        assertThat(text).contains(what);
        return text.replace(what, by);
    }

    /** Asks one of the gateways as a browser does that has cookies in a file, and may log in; the page, and the status. */
    private String browse(String address, String cookies, String more) throws Exception {
        return example.sh("curl -s -m 10 --connect-to shop.example::" + address + ": --cacert idp.crt -b " + cookies
                        + " -c " + cookies + " -H 'Accept: text/html' -w ' %{http_code}' " + more + " || true")
                .strip();
    }

    private String page(String address, String cookies) throws Exception {
        return browse(address, cookies, "http://shop.example:8006/");
    }

    private void logIn(String address, String cookies) throws Exception {
        String form = browse(address, cookies, "-L -o form.html -w '%{url_effective}' http://shop.example:8006/");
        assertThat(browse(address, cookies, "-L -d user=alice '" + form + "'")).startsWith(HELLO);
    }

    private void awaitPage(String what, String address, String cookies, String page) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        String found = page(address, cookies);
        while (!found.startsWith(page)) {
            assertThat(System.nanoTime()).as(what + "; it answers " + found).isLessThan(deadline);
            LockSupport.parkNanos(20_000_000);
            found = page(address, cookies);
        }
    }

    /** The issuer calls the second gateway. */
    private void issuerEndsSessions() throws Exception {
        String _ = example.sh("curl -sf --cacert idp.crt -d user=alice " + issuer + "/end");
    }

    @Test
    void whatTheIssuerEndedAtOneGatewayHasEndedAtAll() throws Exception {
        Shell.need("kubectl", "curl", "python3", "openssl");
        cluster = GatewayNodes.up(folder, FIRST, SECOND, THIRD);
        example = new WorkedExample(folder, cluster.byAddress.get(FIRST), cluster.data(FIRST));
        List<String> blocks = WorkedExample.blocks("docs/gateway/access.md", "People who log in");
        String issuerPort = Integer.toString(FreePorts.next());
        String pagesPort = Integer.toString(FreePorts.next());
        issuer = "https://localhost:" + issuerPort;
        String servers = replaced(replaced(blocks.get(0), "9051", issuerPort), "9052", pagesPort);
        String _ = example.sh(replaced(servers, "http://127.0.0.1:8006", "http://" + SECOND + ":8006"));
        Files.writeString(
                folder.resolve("people.yaml"),
                replaced(
                        replaced(replaced(blocks.get(1), "9051", issuerPort), "9052", pagesPort),
                        "  addresses: [{type: IPAddress, value: 127.0.0.1}]\n",
                        ""));
        String _ =
                example.sh("kubectl create configmap idp --from-file=ca.crt=idp.crt && kubectl apply -f people.yaml");
        for (String each : List.of(FIRST, SECOND, THIRD)) {
            awaitPage(each + " asks who one is", each, "nobodys", "302");
        }

        logIn(FIRST, "cookies");
        for (String each : List.of(FIRST, SECOND, THIRD)) {
            assertThat(page(each, "cookies")).isEqualTo(HELLO + "\n 200");
        }
        issuerEndsSessions();
        long ended = System.nanoTime();
        awaitPage("the third refuses the session", THIRD, "cookies", "302");
        System.out.println("The third gateway refused the session "
                + Duration.ofNanos(System.nanoTime() - ended).toMillis() + " ms after the issuer had its answer");
        awaitPage("the first refuses the session", FIRST, "cookies", "302");
        assertThat(page(SECOND, "cookies")).endsWith("302");

        // Killed, it knows that from its own disk.
        cluster.kill(THIRD);
        cluster.restart(THIRD);
        String found = page(THIRD, "cookies");
        while (!found.endsWith("302")) {
            assertThat(found).as("while it starts").isEqualTo("000");
            found = page(THIRD, "cookies");
        }

        // What ended while it was away it hears of; also when its disk has forgotten all.
        logIn(FIRST, "others");
        assertThat(page(THIRD, "others")).isEqualTo(HELLO + "\n 200");
        cluster.kill(THIRD);
        issuerEndsSessions();
        String _ = example.sh("rm -r '" + cluster.data(THIRD).resolve("areas/gateway/ended-sessions") + "'");
        cluster.restart(THIRD);
        awaitPage("what ended meanwhile", THIRD, "others", "302");
        awaitPage("what ended before", THIRD, "cookies", "302");
        assertThat(example.sh("kubectl get endedsessions -o name | wc -l").strip())
                .as("two sessions, and who had them")
                .isEqualTo("3");
        long deadline = System.nanoTime() + LIMIT.toNanos();
        String metrics = cluster.byAddress.get(THIRD).get("/metrics").output();
        while (!metrics.contains("coppice_gateway_ended_sessions 3.0")) {
            assertThat(System.nanoTime()).as(metrics).isLessThan(deadline);
            LockSupport.parkNanos(20_000_000);
            metrics = cluster.byAddress.get(THIRD).get("/metrics").output();
        }
        assertThat(metrics)
                .contains(
                        "coppice_gateway_ended_sessions_untold 0.0",
                        "coppice_gateway_ended_sessions_dropped_total 0.0");
    }
}
