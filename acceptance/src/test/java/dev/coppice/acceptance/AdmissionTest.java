package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The admission examples of docs/resource-api.md, done by kubectl on a running node. */
final class AdmissionTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern BLOCK = Pattern.compile("```yaml\n(.*?)```", Pattern.DOTALL);
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @TempDir
    private Path folder;

    @Test
    void theExamplesOfTheDocumentationDoWhatItSays() throws Exception {
        Shell.need("kubectl", "openssl");
        certificate();
        HttpsServer webhook = webhook();
        try (RunningCoppice coppice = RunningCoppice.up(folder.resolve("data"))) {
            List<String> blocks = blocks();
            coppice.kubectlWithInput(blocks.getFirst(), "apply", "-f", "-").succeeds();
            awaitDenied(coppice, "owner is missing, not a person of ours");
            assertThat(create(coppice, "kim@example.org").output()).contains("configmap/shop created");

            coppice.kubectlWithInput(blocks.get(1), "apply", "-f", "-").succeeds();
            awaitMetadata(coppice, "\"example.org/free\":\"yes\"");
            assertThat(metadata(coppice)).contains("\"example.org/made-by\":\"admin\"");
            assertThat(coppice.kubectl("get", "mutatingadmissionpolicies")
                            .succeeds()
                            .output())
                    .containsPattern("stamped +2 +<unset>");
            assertThat(coppice.kubectl("explain", "mutatingadmissionpolicy.spec.mutations")
                            .succeeds()
                            .output())
                    .contains("patchType", "jsonPatch");

            coppice.kubectlWithInput(
                            blocks.get(2)
                                    .replace(
                                            "8443",
                                            Integer.toString(
                                                    webhook.getAddress().getPort()))
                                    .replace("CA_BUNDLE", caBundle()),
                            "apply",
                            "-f",
                            "-")
                    .succeeds();
            assertThat(coppice.kubectl("get", "mutatingwebhookconfigurations")
                            .succeeds()
                            .output())
                    .containsPattern("labels +1 ");
            awaitMetadata(coppice, "\"stamped\":\"yes\"");

            webhook.stop(0);
            assertThat(create(coppice, "kim@example.org").output())
                    .contains("failed calling webhook \"labels.example.org\"");
            coppice.kubectl("delete", "mutatingwebhookconfiguration", "labels").succeeds();
            awaitCreated(coppice);
        } finally {
            webhook.stop(0);
        }
    }

    /** What was applied is followed a moment later. */
    private static void awaitDenied(RunningCoppice coppice, String message) throws Exception {
        Shell.Outcome outcome = create(coppice, "");
        for (int i = 0; i < 50 && outcome.status() == 0; i++) {
            outcome = create(coppice, "");
        }
        assertThat(outcome.output()).contains(message);
    }

    private static void awaitMetadata(RunningCoppice coppice, String wanted) throws Exception {
        String metadata = "";
        for (int i = 0; i < 50 && !metadata.contains(wanted); i++) {
            create(coppice, "kim@example.org").succeeds();
            metadata = metadata(coppice);
        }
        assertThat(metadata).contains(wanted);
    }

    private static String metadata(RunningCoppice coppice) throws Exception {
        return coppice.kubectl("get", "configmap", "shop", "-o", "jsonpath={.metadata}")
                .succeeds()
                .output();
    }

    private static void awaitCreated(RunningCoppice coppice) throws Exception {
        Shell.Outcome outcome = create(coppice, "kim@example.org");
        for (int i = 0; i < 50 && outcome.status() != 0; i++) {
            outcome = create(coppice, "kim@example.org");
        }
        outcome.succeeds();
    }

    private static Shell.Outcome create(RunningCoppice coppice, String owner) throws Exception {
        coppice.kubectl("delete", "configmap", "shop", "--ignore-not-found").succeeds();
        String annotations = owner.isEmpty() ? "{}" : "{owner: " + owner + "}";
        return coppice.kubectlWithInput(
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shop\n  labels: {team: shop}\n  annotations: "
                        + annotations + "\n",
                "create",
                "-f",
                "-");
    }

    private static List<String> blocks() throws IOException {
        String text = Files.readString(Shell.HOME.resolve("docs/resource-api.md"));
        List<String> found = new ArrayList<>();
        Matcher block = BLOCK.matcher(text.substring(text.indexOf("## Admission")));
        while (block.find()) {
            found.add(block.group(1));
        }
        return found;
    }

    private String file(String name) {
        return folder.resolve(name).toString();
    }

    private void certificate() throws Exception {
        openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=webhook -addext subjectAltName=IP:127.0.0.1"
                + " -keyout " + file("key") + " -out " + file("crt"));
        openssl("pkcs12 -export -passout pass:pass -inkey " + file("key") + " -in " + file("crt") + " -out "
                + file("p12"));
    }

    private static void openssl(String arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("openssl"));
        command.addAll(List.of(arguments.split(" ")));
        Shell.run(LIMIT, Map.of(), null, command).succeeds();
    }

    private String caBundle() throws IOException {
        return Base64.getEncoder().encodeToString(Files.readAllBytes(folder.resolve("crt")));
    }

    private HttpsServer webhook() throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(folder.resolve("p12"))) {
            store.load(in, "pass".toCharArray());
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(store, "pass".toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        HttpsServer server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
        server.setHttpsConfigurator(new HttpsConfigurator(context));
        server.createContext("/labels", AdmissionTest::answer);
        server.start();
        return server;
    }

    private static void answer(HttpExchange exchange) throws IOException {
        JsonNode review = JSON.readTree(exchange.getRequestBody());
        String patch = "[{\"op\":\"add\",\"path\":\"/metadata/labels/stamped\",\"value\":\"yes\"}]";
        var answer =
                JSON.createObjectNode().put("apiVersion", "admission.k8s.io/v1").put("kind", "AdmissionReview");
        answer.putObject("response")
                .put("uid", review.path("request").path("uid").asText())
                .put("allowed", true)
                .put("patchType", "JSONPatch")
                .put("patch", Base64.getEncoder().encodeToString(patch.getBytes(StandardCharsets.UTF_8)));
        byte[] body = JSON.writeValueAsBytes(answer);
        exchange.sendResponseHeaders(200, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }
}
