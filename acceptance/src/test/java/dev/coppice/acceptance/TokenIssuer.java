package dev.coppice.acceptance;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** An OpenID Connect issuer with one key and one user, over HTTPS. */
final class TokenIssuer implements AutoCloseable {
    private static final Base64.Encoder ENCODER = Base64.getUrlEncoder().withoutPadding();

    private final Path folder;
    private final KeyPair keys;
    private final HttpsServer server;

    TokenIssuer(Path folder) throws Exception {
        this.folder = folder;
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        keys = generator.generateKeyPair();
        server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
        server.setHttpsConfigurator(new HttpsConfigurator(tls()));
        answer(
                "/realm/.well-known/openid-configuration",
                "{\"issuer\":\"" + url() + "\",\"jwks_uri\":\"" + url() + "/keys\"}");
        RSAPublicKey shown = (RSAPublicKey) keys.getPublic();
        answer(
                "/realm/keys",
                "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"one\",\"use\":\"sig\",\"n\":\"" + number(shown.getModulus())
                        + "\",\"e\":\"" + number(shown.getPublicExponent()) + "\"}]}");
        server.start();
    }

    private static String number(BigInteger value) {
        byte[] bytes = value.toByteArray();
        int from = bytes[0] == 0 ? 1 : 0;
        return ENCODER.encodeToString(java.util.Arrays.copyOfRange(bytes, from, bytes.length));
    }

    private void answer(String path, String body) {
        server.createContext(path, exchange -> {
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        });
    }

    private SSLContext tls() throws Exception {
        openssl(
                "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=issuer -addext subjectAltName=IP:127.0.0.1 -keyout "
                        + file("issuer.key") + " -out " + authority());
        openssl("pkcs12 -export -passout pass:pass -inkey " + file("issuer.key") + " -in " + authority() + " -out "
                + file("issuer.p12"));
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(file("issuer.p12"))) {
            store.load(in, "pass".toCharArray());
        }
        KeyManagerFactory managers = KeyManagerFactory.getInstance("PKIX");
        managers.init(store, "pass".toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        return context;
    }

    private static void openssl(String arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("openssl"));
        command.addAll(List.of(arguments.split(" ")));
        Shell.run(Duration.ofSeconds(60), Map.of(), null, command).succeeds();
    }

    private Path file(String name) {
        return folder.resolve(name);
    }

    Path authority() {
        return file("issuer.pem");
    }

    String url() {
        return "https://127.0.0.1:" + server.getAddress().getPort() + "/realm";
    }

    /** A token of kim@example.org in the group devs, good for so many seconds. */
    String token(String audience, long seconds) throws Exception {
        String claims = "{\"iss\":\"" + url() + "\",\"aud\":\"" + audience
                + "\",\"sub\":\"1\",\"email\":\"kim@example.org\",\"email_verified\":true,\"groups\":[\"devs\"],\"exp\":"
                + Instant.now().plusSeconds(seconds).getEpochSecond() + "}";
        String signed = encoded("{\"alg\":\"RS256\",\"kid\":\"one\"}") + "." + encoded(claims);
        Signature signature = Signature.getInstance("SHA256withRSA");
        signature.initSign(keys.getPrivate());
        signature.update(signed.getBytes(StandardCharsets.US_ASCII));
        return signed + "." + ENCODER.encodeToString(signature.sign());
    }

    private static String encoded(String text) {
        return ENCODER.encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
